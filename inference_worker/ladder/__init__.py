"""The ways down and up again between the backends that can run a model.

See docs/ladder.md. Knows the engine, nothing of Django or Celery.
"""
