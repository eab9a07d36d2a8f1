"""From nothing to the model folder, step after step; run again, it goes on where it stopped."""

import subprocess
import sys

STEPS = (
    ("data",),
    ("photographs",),
    ("autoencoder", "--steps", "8000"),
    ("autoencoder", "--decoder-only", "--steps", "3000", "--rate", "1e-3"),
    ("latents",),
    ("text", "--name-steps", "600", "--register-steps", "9100"),
    ("denoiser", "--until", "10000"),
    ("recogniser",),
    ("export",),
)


def main() -> None:
    for step, *options in STEPS:
        sys.stdout.write(f"== {step} {' '.join(options)}\n")
        sys.stdout.flush()
        subprocess.run(  # noqa: S603  (our own modules, by name)
            [sys.executable, "-m", f"generator.training.{step}", *options], check=True
        )


if __name__ == "__main__":
    main()
