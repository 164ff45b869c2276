#!/bin/sh
# Makes the certificates in tls anew. They are for tests alone: their keys are public.
set -eu
cd "$(dirname "$0")/tls"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

touch "$work/index"
cat >"$work/ca.cnf" <<END
[ca]
default_ca = any
[any]
database = $work/index
new_certs_dir = $work
default_md = sha256
policy = any_name
rand_serial = yes
unique_subject = no
[any_name]
commonName = supplied
[authority]
basicConstraints = critical,CA:true
[leaf]
subjectAltName = DNS:localhost,IP:127.0.0.1
END

# sign NAME EXTENSIONS END OPTIONS...: a key, and a certificate for it that is valid from 2020 on
sign() {
  name=$1 extensions=$2 end=$3
  shift 3
  openssl ecparam -name prime256v1 -genkey -noout -out "$name.key"
  openssl req -new -key "$name.key" -subj "/CN=$name" -out "$work/$name.csr"
  openssl ca -batch -notext -config "$work/ca.cnf" -extensions "$extensions" -startdate 20200101000000Z -enddate "$end" \
    -in "$work/$name.csr" -out "$name.pem" "$@"
}

never=21200101000000Z
sign ca authority $never -selfsign -keyfile ca.key
sign other-ca authority $never -selfsign -keyfile other-ca.key
sign server leaf $never -cert ca.pem -keyfile ca.key
sign renewed-server leaf $never -cert ca.pem -keyfile ca.key
sign client leaf $never -cert ca.pem -keyfile ca.key
sign expired-client leaf 20210101000000Z -cert ca.pem -keyfile ca.key
sign stranger leaf $never -cert other-ca.pem -keyfile other-ca.key
rm ca.key other-ca.key
