"""django-scim2 as its documentation sets it up: models, filters, and a site on PostgreSQL."""
