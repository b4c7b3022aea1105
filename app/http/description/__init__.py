"""The API's description of itself: `/openapi.json`, and `/docs`, which shows it to people.

The YAML files in `openapi` hold what no code knows: texts, examples and the schemas of responses. The rest is made from
code: request schemas from the marshmallow schemas that validate, error responses by the code that returns them, and
tRPC's procedures from the REST operations. The tests check every response against the document.
"""
