#!/usr/bin/env bash
# Installs the Debian packages that a target of the Makefile needs, saying which and why.
# On a system without apt it says what is needed and goes on: the tests then name what is missing.
set -euo pipefail

declare -A packages=(
  [base]="python3-venv ca-certificates openssl softhsm2 opensc unzip qpdf poppler-utils xxd"
  [modules]="gcc libc6-dev libp11-kit-dev libssl-dev"
  [cards]="pcscd vsmartcard-vpcd opensc-pkcs11 iproute2"
  [judges]="default-jdk-headless libbcpkix-java tesseract-ocr tesseract-ocr-chi-sim"
  [archive]="postgresql"
  [bench]="age p7zip-full"
  [peers]="nodejs npm chromium fonts-droid-fallback"
)

run_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}

# A list that is missing, or names files the archive has replaced, makes the first try fail: refresh, once more.
with_fresh_lists() {
  "$@" || { run_as_root apt-get update -qq && "$@"; }
}

install() {
  local missing=()
  for name in $1; do
    # A command of that name will do wherever it is from: the npm that comes with other builds of node, for one.
    ! command -v "$name" >/dev/null || continue
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  echo "Installing Debian packages: ${missing[*]}"
  with_fresh_lists run_as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || echo "Could not install: ${missing[*]}. Please install them by hand." >&2
}

# Chinese PDF manuals of Debian: documents that nobody of this project wrote, unpacked without installing. The folder
# appears when all are there: half of it would be taken for the whole by the next run of make.
manuals() {
  local target=$1
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work"
  (
    cd "$work"
    with_fresh_lists apt-get download -qq installation-guide-amd64 debian-faq-zh-cn maint-guide-zh-cn
    for archive in *.deb; do dpkg-deb -x "$archive" content; done
    gunzip -c content/usr/share/doc/installation-guide-amd64/zh_CN/install.zh_CN.pdf.gz >installation-guide.pdf
    gunzip -c content/usr/share/doc/debian/FAQ/debian-faq.zh-cn.pdf.gz >debian-faq.pdf
    cp content/usr/share/doc/maint-guide-zh-cn/maint-guide.zh-cn.pdf maint-guide.pdf
  )
  rm -rf "$target" "$target.new"
  mkdir -p "$target.new"
  mv "$work"/*.pdf "$target.new"/
  mv "$target.new" "$target"
}

if ! command -v apt-get >/dev/null; then
  echo "No apt here; needed: ${packages[${1}]:-Debian packages ${1}}" >&2
  exit 0
fi
if [ "$1" = manuals ]; then manuals "$2"; else install "${packages[$1]}"; fi
