# psgan_tf on the CPU; for a GPU, see BUILD.md:
#   docker build --build-arg TENSORFLOW="tensorflow[and-cuda]==2.15.1" -t psgan_tf .
FROM python:3.11-bookworm
ARG TENSORFLOW="tensorflow==2.15.1"
WORKDIR /psgan_tf
# Packages first: they are fetched again only when a requirement changes.
COPY requirements.txt constraints.txt ./
RUN grep -v '^-e' requirements.txt > pinned.txt \
    && pip install --no-cache-dir -r pinned.txt "${TENSORFLOW}"
COPY . .
RUN pip install --no-cache-dir --no-deps -e .
ENTRYPOINT ["python", "-m"]
CMD ["psgan_tf.train", "--help"]
