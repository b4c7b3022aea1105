from flask.cli import NoAppException

from app import create_app
from app.settings import BadSettings

try:
    app = create_app()
except BadSettings as error:  # Flask's commands print it as it is
    raise NoAppException(str(error)) from error
