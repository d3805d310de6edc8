"""Users and groups with django-scim2's columns; members are rows of Django's own making."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Group(AbstractSCIMGroupMixin):
    """A group."""

    name = models.CharField(max_length=200, db_index=True)


class User(AbstractSCIMUserMixin, AbstractUser):
    """A user."""

    scim_groups = models.ManyToManyField(Group, related_name="user_set")
