"""What a synthesizer is told by its environment. Law: the addresses of endpoints are here, and nowhere in an object."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chassis.address import Address
from chassis.config import address, between, boolean, integer, one_of, seconds, setting, unencrypted
from synthesizer.endpoints import PLACES
from synthesizer.personas import NAMES

FALLBACK = "fallback"
MOST_DRAFTS = 16


def url(value: str) -> str:
    """An http or https URL, without a slash at its end."""
    text = value.strip().rstrip("/")
    if not text.startswith(("http://", "https://")):
        raise ValueError("expected a URL with http:// or https://, such as http://127.0.0.1:8080")
    return text


def one_process(value: str) -> int:
    """The number 1."""
    if integer(value) != 1:
        raise ValueError("expected 1: start further synthesizers beside this one, they share what is written")
    return 1


@dataclass(frozen=True, slots=True)
class Config:
    """Where to listen, which objectstore, which endpoint and model each persona has, and how much to spend."""

    listen: Address = setting(
        "BATOS_LISTEN",
        default=Address("127.0.0.1", 7002),
        parse=address,
        help="host:port to serve on; port 0: any",
    )
    objectstore: Address = setting(
        "BATOS_OBJECTSTORE", default=Address("127.0.0.1", 7003), parse=address, help="host:port of the objectstore"
    )
    persona_url: str = setting(
        "BATOS_PERSONA_URL", parse=url, help="server of /v1/chat/completions (TGI, vLLM, llama.cpp) for all personas"
    )
    brick_url: str | None = setting("BATOS_PERSONA_URL_BRICK", default=None, parse=url, help="the same for BRICK alone")
    babs_url: str | None = setting("BATOS_PERSONA_URL_BABS", default=None, parse=url, help="the same for BABS alone")
    robin_url: str | None = setting("BATOS_PERSONA_URL_ROBIN", default=None, parse=url, help="the same for ROBIN alone")
    alfred_url: str | None = setting(
        "BATOS_PERSONA_URL_ALFRED", default=None, parse=url, help="the same for ALFRED alone, who writes"
    )
    persona_model: str | None = setting(
        "BATOS_PERSONA_MODEL",
        default=None,
        help="model all personas ask for (TGI: a LoRA adapter's id); none: each its own name, such as alfred",
    )
    brick_model: str | None = setting("BATOS_PERSONA_MODEL_BRICK", default=None, help="the same for BRICK alone")
    babs_model: str | None = setting("BATOS_PERSONA_MODEL_BABS", default=None, help="the same for BABS alone")
    robin_model: str | None = setting("BATOS_PERSONA_MODEL_ROBIN", default=None, help="the same for ROBIN alone")
    alfred_model: str | None = setting("BATOS_PERSONA_MODEL_ALFRED", default=None, help="the same for ALFRED alone")
    persona_key: str = setting(
        "BATOS_PERSONA_KEY", default="none", help="bearer token for the endpoints; the Hub's own is never sent"
    )
    fallback_url: str | None = setting(
        "BATOS_FALLBACK_URL",
        default=None,
        parse=url,
        help="the endpoint named `fallback`, for personas whose slot `fallback` names it, while their own is ill",
    )
    fallback_model: str | None = setting(
        "BATOS_FALLBACK_MODEL", default=None, help="model it is asked for; none: the one the persona asks for"
    )
    endpoint_turns: int = setting(
        "BATOS_ENDPOINT_TURNS",
        default=PLACES,
        parse=between(integer, 1),
        help="turns of personas that one server gets at a time; others wait in their order",
    )
    turn_seconds: float = setting(
        "BATOS_TURN_SECONDS",
        default=120.0,
        parse=between(seconds, 0.1),
        help="how long one turn of a persona may take, retries included",
    )
    drafts: int = setting(
        "BATOS_DRAFTS",
        default=3,
        parse=between(integer, 1, MOST_DRAFTS),
        help="drafts that ALFRED writes at a time; two different ones that agree are evidence",
    )
    tokens_per_hour: int | None = setting(
        "BATOS_TOKENS_PER_HOUR",
        default=None,
        parse=between(integer, 0),
        help="tokens that a namespace may spend in an hour where its root object says nothing; none: no bound",
    )
    syntheses_per_hour: int | None = setting(
        "BATOS_SYNTHESES_PER_HOUR", default=None, parse=between(integer, 0), help="the same for syntheses"
    )
    roots: int = setting(
        "BATOS_ROOTS",
        default=4,
        parse=between(integer, 1),
        help="trials that run in the sandbox at once; others queue",
    )
    workers: int = setting(
        "BATOS_WORKERS",
        default=1,
        parse=one_process,
        help="only 1: start further synthesizers beside it, each on an address of its own",
    )
    insecure_remote: bool = setting(
        "BATOS_ALLOW_INSECURE_REMOTE",
        default=False,
        parse=boolean,
        help="true to serve other machines without TLS; only behind something that encrypts",
    )
    require_jail: bool = setting(
        "BATOS_REQUIRE_JAIL", default=False, parse=boolean, help="true to refuse to start unless every wall stands"
    )
    log: str = setting("BATOS_LOG", default="text", parse=one_of("text", "json"), help="text or json lines on stderr")

    def mistakes(self) -> Iterator[str]:
        """What does not go together."""
        yield from unencrypted(self, "listen", allowed="insecure_remote")

    @property
    def urls(self) -> Mapping[str, str]:
        """Endpoint name to URL: one for each persona, `default`, and `fallback` where there is one."""
        own = (self.brick_url, self.babs_url, self.robin_url, self.alfred_url)
        named = {name.lower(): given or self.persona_url for name, given in zip(NAMES, own, strict=True)}
        fallback = {FALLBACK: self.fallback_url} if self.fallback_url else {}
        return {**named, "default": self.persona_url, **fallback}

    @property
    def fallback_models(self) -> Mapping[str, str]:
        """Endpoint name to the model it is asked for, where that is not the persona's to say."""
        return {FALLBACK: self.fallback_model} if self.fallback_model else {}

    @property
    def models(self) -> Mapping[str, str]:
        """Persona to the model it asks for where its object names none."""
        own = (self.brick_model, self.babs_model, self.robin_model, self.alfred_model)
        return {name: given or self.persona_model or name.lower() for name, given in zip(NAMES, own, strict=True)}
