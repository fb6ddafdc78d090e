"""The views under measurement and their addresses."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

if TYPE_CHECKING:
    from rest_framework.request import Request

# Django's 404 debug page lists every address, so give it a project's worth.
FILLER_ADDRESSES = 40


@non_atomic_requests
def minimal(_request: HttpRequest) -> HttpResponse:
    """Answer without touching session or database; name the process."""
    return HttpResponse(str(os.getpid()), content_type="text/plain")


def atomic(_request: HttpRequest) -> HttpResponse:
    """Do nothing inside the transaction that ATOMIC_REQUESTS opens."""
    return HttpResponse("ok", content_type="text/plain")


@non_atomic_requests
def hang(_request: HttpRequest) -> HttpResponse:
    """Never answer, as a request stuck on some other service would."""
    time.sleep(3600)
    return HttpResponse("too late")


class InMissingGroup(BasePermission):
    """A permission that costs one query and is never granted."""

    def has_permission(self, request: Request, _view: APIView) -> bool:
        """Look the user up in a group that does not exist."""
        return bool(Group.objects.filter(name="missing", user=request.user).exists())


class Forbidden(APIView):
    """A REST view that only gets as far as its permission check."""

    permission_classes = (InMissingGroup,)

    def get(self, _request: Request) -> Response:
        """Never reached: the permission refuses first."""
        return Response({})


urlpatterns = [
    path("minimal", minimal),
    path("atomic", atomic),
    path("hang", hang),
    path("forbidden", Forbidden.as_view()),
    *(path(f"filler/{number}/<int:key>", minimal) for number in range(FILLER_ADDRESSES)),
]
