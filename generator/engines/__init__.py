"""One engine a file; the file's name is the value of `MURALIST_ENGINE`.

To add one, write `generator/engines/<name>.py` with a class `Engine` that takes
an `EngineSettings` and has what `generator.engine.Engine` asks for. Nothing else
needs to know of it. Import heavy packages inside `load`, which runs in the
engine's own thread: importing the file itself must cost next to nothing.

- `fits(order)` returns whatever must be equal for orders to share a pass, as a
  tuple: the canvas, whether there is a photo, steps.
- `draw` calls `on_step(step, steps)` after each step and returns None when that
  says False. What fails for a passing reason is `EngineError(transient=True)`, a
  device that needs a new process is `EngineLostError`.
- `tests/generator/test_engine_diffusers.py` shows what to test.
"""
