"""The SCIM receiver (RFC 7643, 7644, 9865): a directory that speaks first."""
