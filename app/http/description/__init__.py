"""The API's description of itself: `/openapi.json`, and `/docs`, which shows it to people.

The YAML files in `openapi` hold what no code knows: texts, examples and the schemas of responses. The schemas of
requests are made from the marshmallow schemas that validate, and the error responses from `errors.yaml`, by the code
that returns them. The tests check every response against the document.
"""
