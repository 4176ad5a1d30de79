"""The WSGI application that `regulars web` serves."""

import os

from django.core.wsgi import get_wsgi_application

from regulars.runtime.lifeline import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.project.settings")
end_with_parent()
application = get_wsgi_application()
