"""Broken estate files, and all that is said of each: lines without the file's name, in their order."""

# ruff: noqa: E501 -- what is said stands in one piece, as an operator reads it

from __future__ import annotations

SOURCES = "sources:\n  engine: {provider: docker}\n"
NAME_RULE = "letters, digits and . _ @ + - after the first"
PROVIDERS = "allowed: aws, docker, kubernetes, ssh"

BROKEN: dict[str, tuple[str | bytes, list[str]]] = {
    # -- no YAML at all
    "empty": ("", ["1:1: the file is empty; it begins with 'name:' and 'sources:'"]),
    "only a comment": ("# to be written\n", ["1:1: the file is empty; it begins with 'name:' and 'sources:'"]),
    "a list": ("- a\n- b\n", ["1:1: the file is not a mapping; it begins with 'name:' and 'sources:'"]),
    "a sentence": ("hello", ["1:1: the file is not a mapping; it begins with 'name:' and 'sources:'"]),
    "tab": ("name: x\nsources:\n\tengine: {provider: docker}\n", ["3:1: a tab in the indentation; indent with spaces"]),
    "tab within": (
        "sources:\n  engine:\n  \tprovider: docker\n",
        ["3:3: a tab in the indentation; indent with spaces"],
    ),
    "unclosed bracket": (
        "sources:\n  engine: {provider: docker\nname: x\n",
        [
            "3:5: not YAML: expected ',' or '}', but got ':', in a '{' that begins in line 2; check brackets, quotes and indentation around here"
        ],
    ),
    "unclosed quote": ('name: "x\n' + SOURCES, ["1:7: a quote that is never closed; add what closes it"]),
    "colon in text": (
        "description: see: the wiki\n" + SOURCES,
        ["1:17: a ':' where no key can be; check the indentation, or quote a text that holds ': '"],
    ),
    "key without colon": (
        "name x\nsources: {}\n",
        ["2:8: a ':' where no key can be; check the indentation, or quote a text that holds ': '"],
    ),
    "wrong indentation": (
        "sources:\n  a: {provider: docker}\n b: {provider: docker}\n",
        [
            "3:2: not YAML: expected <block end>, but found '<block mapping start>', in a mapping that begins in line 1; check brackets, quotes and indentation around here"
        ],
    ),
    "at sign": ("name: @prod\n" + SOURCES, ["1:7: '@' cannot begin a plain text; put the text in quotes"]),
    "undefined alias": (
        "sources:\n  a: *engine\n",
        ["2:6: undefined alias 'engine'; an alias such as *name needs an anchor &name before it"],
    ),
    "alias of itself": (
        "sources: &all\n  a: *all\n",
        ["1:10: an anchor that holds an alias of itself; remove the alias"],
    ),
    "bad escape": (
        'name: "\\UFFFFFFFF"\n' + SOURCES,
        ["1:10: an escape for a character that does not exist; the last is \\U0010FFFF"],
    ),
    "two documents": (
        SOURCES + "---\nname: x\n",
        ["3:1: a second document begins; one file holds one document: remove the '---'"],
    ),
    "custom tag": ("name: !vault abc\n" + SOURCES, ["1:7: tag !vault means nothing here; remove it"]),
    "python object": (
        "name: !!python/object/apply:os.system [id]\n" + SOURCES,
        ["1:7: tag !!python/object/apply:os.system means nothing here; remove it"],
    ),
    "key that is a list": ("? [a, b]\n: c\n" + SOURCES, ["1:3: a key that is not plain text; write KEY: VALUE"]),
    "merge of text": (
        "sources:\n  a:\n    <<: engine\n    provider: docker\n",
        ["3:9: '<<' needs a mapping; write <<: *ANCHOR"],
    ),
    "not UTF-8": (b"name: x\ndescription: caf\xe9\n", ["2:17: byte 0xe9 is not UTF-8; save the file as UTF-8"]),
    "UTF-16": ("name: x\n".encode("utf-16"), ["1:1: byte 0xff is not UTF-8; save the file as UTF-8"]),
    "control character": (
        "name: x\x07y\n" + SOURCES,
        ["1:8: control character U+0007; remove it, or escape it in quotes"],
    ),
    "nested without end": ("name: " + "[" * 2000, ["1:1: nested too deeply; an estate is a few levels deep"]),
    "aliases without bound": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcde", "bcdef", strict=True)),
        ["1:1: expands to more than 100,000 values; use fewer aliases of aliases"],
    ),
    # -- keys
    "duplicate key": (
        "name: x\nname: y\n" + SOURCES,
        ["2:1: 'name' stands twice; it stands in line 1 already: keep one"],
    ),
    "duplicate source": (
        "sources:\n  a: {provider: docker}\n  a: {provider: aws}\n",
        ["3:3: 'a' stands twice; it stands in line 2 already: keep one"],
    ),
    "duplicate setting": (
        "sources:\n  a:\n    provider: docker\n    context: x\n    context: y\n",
        ["5:5: 'context' stands twice; it stands in line 4 already: keep one"],
    ),
    "unknown key": (
        "nmae: x\n" + SOURCES,
        [
            "1:1: unknown key 'nmae'; allowed: name, description, read_only, sources, derive, ledger, database, site, audit, policies, teams, freezes, standard, notify, groups; did you mean 'name'?"
        ],
    ),
    "unknown keys inside": (
        "sources:\n  a: {provider: docker, hots: x, zzz: y}\n",
        [
            "2:25: unknown key 'hots'; allowed: provider, enabled, defaults, site, host, context, tls, ssh_config, timeout; did you mean 'host'?",
            "2:34: unknown key 'zzz'; allowed: provider, enabled, defaults, site, host, context, tls, ssh_config, timeout",
        ],
    ),
    "unknown key deep inside": (
        "sources:\n  a:\n    provider: docker\n    host: tcp://x:2376\n    tls:\n      caa: ca.pem\n",
        ["6:7: unknown key 'caa'; allowed: ca, cert, key, verify; did you mean 'ca'?"],
    ),
    "sources missing": (
        "name: x\n",
        ["1:1: 'sources' is missing; its sources by name, each with its provider and that provider's settings"],
    ),
    "sources empty": ("name: x\nsources:\n", ["2:9: 'sources' is nothing; it must be a mapping such as {KEY: VALUE}"]),
    "sources a list": (
        "sources:\n  - provider: docker\n",
        ["2:3: 'sources' is a list; it must be a mapping such as {KEY: VALUE}"],
    ),
    "source empty": ("sources:\n  a:\n", ["2:5: 'a' is nothing; it must be a mapping such as {KEY: VALUE}"]),
    "source name": (
        "sources:\n  prod/eu: {provider: docker}\n  'a b': {provider: docker}\n  '': {provider: docker}\n",
        [
            "2:3: source name 'prod/eu'; allowed: letters, digits and . _ @ + - after the first",
            "3:3: source name 'a b'; allowed: letters, digits and . _ @ + - after the first",
            "4:3: source name ''; allowed: letters, digits and . _ @ + - after the first",
        ],
    ),
    "provider missing": (
        "sources:\n  a: {context: lab}\n",
        ["2:3: 'provider' is missing; allowed: aws, docker, kubernetes, ssh"],
    ),
    "provider unknown": (
        "sources:\n  a: {provider: kubernets}\n  b: {provider: nomad}\n",
        [
            "2:17: there is no provider 'kubernets'; allowed: aws, docker, kubernetes, ssh; did you mean 'kubernetes'?",
            "3:17: there is no provider 'nomad'; allowed: aws, docker, kubernetes, ssh",
        ],
    ),
    "provider a list": ("sources:\n  a: {provider: [docker]}\n", ["2:17: 'provider' is a list; it must be text"]),
    # -- values
    "name": (
        "name: my estate\n" + SOURCES,
        ["1:7: 'my estate' is no name; letters, digits and . _ @ + - after the first"],
    ),
    "name a mapping": ("name: {first: x}\n" + SOURCES, ["1:7: 'name' is a mapping; it must be text"]),
    "read_only": ("read_only: mostly\n" + SOURCES, ["1:12: 'read_only' is 'mostly'; it must be true or false"]),
    "enabled": (
        "sources:\n  a: {provider: docker, enabled: 7}\n",
        ["2:34: 'enabled' is '7'; it must be true or false"],
    ),
    "defaults": (
        "sources:\n  a:\n    provider: docker\n    defaults: {environment: prod, region: [x]}\n",
        ["4:16: unknown key 'environment'; allowed: env, service, region", "4:43: 'region' is a list; it must be text"],
    ),
    "derive": (
        "derive: {env: [lable.env, label.x, naem], servce: [label.app], region: 3}\n" + SOURCES,
        [
            "1:16: 'lable.env' is no rule; label.KEY or one of kind, name, source, raw_state, image, env, service, region",
            "1:36: 'naem' is no rule; label.KEY or one of kind, name, source, raw_state, image, env, service, region; did you mean 'name'?",
            "1:43: unknown key 'servce'; allowed: env, service, region; did you mean 'service'?",
            "1:72: '3' is no rule; label.KEY or one of kind, name, source, raw_state, image, env, service, region",
        ],
    ),
    "docker host": (
        "sources:\n  a: {provider: docker, host: /var/run/docker.sock}\n",
        [
            "2:31: 'host' is '/var/run/docker.sock'; where the engine listens: `unix:///run/docker.sock`, `tcp://HOST:2376`, `ssh://[USER@]HOST[:PORT][/SOCKET]`"
        ],
    ),
    "docker host and context": (
        "sources:\n  a:\n    provider: docker\n    host: unix:///x\n    context: lab\n",
        ["2:3: `host` and `context` both name an engine: keep one of them"],
    ),
    "number": (
        "sources:\n  a: {provider: docker, timeout: soon}\n  b: {provider: docker, timeout: -1}\n",
        ["2:34: 'timeout' is 'soon'; it must be a number", "3:34: 'timeout' is '-1'; it must be greater than 0"],
    ),
    "regions": (
        "sources:\n  a: {provider: aws, regions: al}\n  b: {provider: aws, regions: [eu_west, [x]]}\n",
        [
            "2:31: 'regions' is 'al'; it must be 'all' or a list such as [A, B]; did you mean 'all'?",
            "3:32: item 1 of 'regions' is 'eu_west'; regions to list, or `all` that the account has enabled",
            "3:41: item 2 of 'regions' is a list; it must be text",
        ],
    ),
    "no regions": (
        "sources:\n  a: {provider: aws, regions: []}\n",
        ["2:31: name a region, or write `all`, or leave `regions` out"],
    ),
    "namespaces": (
        "sources:\n  a: {provider: kubernetes, namespaces: [Shop, 3]}\n",
        [
            "2:42: item 1 of 'namespaces' is 'Shop'; `all`, or the namespaces to show: name them where you may not list the whole cluster"
        ],
    ),
    "a flag for a path": (
        "sources:\n  a: {provider: kubernetes, kubeconfig: true}\n",
        ["2:41: 'kubeconfig' is 'true'; it must be a path"],
    ),
    "no hosts": (
        "sources:\n  a: {provider: ssh}\n",
        [
            "2:3: 'hosts' is missing; names as `ssh` takes them, in host sets such as `web-[001-064,!013]`; one or a list"
        ],
    ),
    "host set without end": (
        "sources:\n  a: {provider: ssh, hosts: 'web[1-'}\n",
        ["2:29: 'web[1-' is no host set: missing bracket: \"web[1-\"; write ranges as web-[001-064]"],
    ),
    "host set backwards": (
        "sources:\n  a:\n    provider: ssh\n    hosts: [web1, 'web[9-1]']\n",
        [
            '4:19: \'web[9-1]\' is no host set: bad range: "invalid values in range : "9-1""; write ranges as web-[001-064]'
        ],
    ),
    "port": (
        "sources:\n  a: {provider: ssh, hosts: web1, port: 70000}\n",
        ["2:41: 'port' is '70000'; it must be less than or equal to 65535"],
    ),
    "units": (
        "sources:\n  a: {provider: ssh, hosts: web1, units: {nginx: true}}\n",
        ["2:42: 'units' is a mapping; it must be a list such as [A, B]"],
    ),
    # -- environment
    "variable not set": (
        "sources:\n  a: {provider: aws, profile: '${NOBODY}'}\n",
        ["2:31: environment variable NOBODY is not set; set it, or write ${NOBODY:-DEFAULT}"],
    ),
    "variable misspelt": (
        "name: ${ESTATE_NAEM}\n" + SOURCES,
        [
            "1:7: environment variable ESTATE_NAEM is not set; set it, or write ${ESTATE_NAEM:-DEFAULT}; did you mean 'ESTATE_NAME'?"
        ],
    ),
    "variable without end": (
        "name: ${ESTATE_NAME\n" + SOURCES,
        ["1:7: '${' without a name and '}'; write ${NAME}, or $${ for a plain ${"],
    ),
    "variable in brackets": (
        "sources:\n  a: {provider: aws, profile: ${ESTATE_NAME}}\n",
        ["2:32: a '{' or '}' inside of brackets; put a text that holds ${NAME} in quotes there"],
    ),
    "secret of the environment": (
        "sources:\n  a: {provider: docker, host: '${SECRET}'}\n",
        [
            "2:31: 'host' is '${SECRET}'; where the engine listens: `unix:///run/docker.sock`, `tcp://HOST:2376`, `ssh://[USER@]HOST[:PORT][/SOCKET]`"
        ],
    ),
}

SEVERAL = """\
name: my estate
read_only: perhaps
sources:
  fleet: {provider: shh}
  engine: {provider: docker, timeout: never, hots: x}
  engine: {provider: docker}
  cloud:
    provider: aws
    profile: ${NOBODY}
    regions: [eu-west-1, "no region!"]
derive:
  env: label
"""

SEVERAL_SAID = [
    "1:7: 'my estate' is no name; letters, digits and . _ @ + - after the first",
    "2:12: 'read_only' is 'perhaps'; it must be true or false",
    "4:21: there is no provider 'shh'; allowed: aws, docker, kubernetes, ssh; did you mean 'ssh'?",
    "5:39: 'timeout' is 'never'; it must be a number",
    "5:46: unknown key 'hots'; allowed: provider, enabled, defaults, site, host, context, tls, ssh_config, timeout; did you mean 'host'?",
    "6:3: 'engine' stands twice; it stands in line 5 already: keep one",
    "9:14: environment variable NOBODY is not set; set it, or write ${NOBODY:-DEFAULT}",
    "10:26: item 2 of 'regions' is 'no region!'; regions to list, or `all` that the account has enabled",
    "12:8: 'label' is no rule; label.KEY or one of kind, name, source, raw_state, image, env, service, region",
]
