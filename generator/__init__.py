"""Make it: the batcher (pure), the engine (GPU) and the worker (one coroutine)."""
