# vLLM Router, with the pins that the tests have. From the checkout's top:
#
#   docker buildx build --platform linux/arm64 --push \
#       -f fleet/container/router.Dockerfile -t $REGISTRY/parley-router:$(git rev-parse --short HEAD) .
ARG PYTHON=docker.io/library/python:3.12-slim
FROM ${PYTHON}
COPY scripts/requirements/router.txt /
RUN pip install --no-cache-dir --disable-pip-version-check --only-binary :all: -r /router.txt && rm /router.txt
USER 65532:65532
ENTRYPOINT ["vllm-router"]
