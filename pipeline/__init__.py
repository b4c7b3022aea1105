"""The handlers that ship: a model-free pipeline from documents to drafted lessons.

A handler runs in a child process of a worker. It knows neither queue, database nor progress;
this package therefore imports nothing of `app` or `tasks`.
"""
