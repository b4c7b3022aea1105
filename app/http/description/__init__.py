"""The API's description of itself: `/openapi.json`, and `/docs`, which shows the same to people.

Bodies are described by marshmallow schemas: those of requests are the ones that validate; those of answers only
describe, since an answer is written as fast as it can be. What an error says is asked of the code that says it. Nothing
here is touched by a request for anything else.
"""
