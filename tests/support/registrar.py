"""Debian's Kamailio as a carrier's registrar and proxy for tests: phones and the switch register
with it by digest, and it finds them; numbers that nobody is registered for are the switch's."""

from __future__ import annotations

from pathlib import Path

from tests.support.kamailio import Kamailio

SWITCH = "switch-1"
PASSWORD = "secret-1"

CONFIGURATION = f"""\
debug=1
log_stderror=yes
children=2
auto_aliases=no
listen=LISTEN
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "xlog.so"
modparam("auth", "algorithm", "ALGORITHM")

request_route {{
    if (!mf_process_maxfwd_header("70")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) {{
            t_relay();
        }}
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{
            t_relay();
        }} else if (is_method("ACK")) {{
            if (t_check_trans()) {{
                t_relay();
            }}
        }} else {{
            sl_send_reply("404", "Not Here");
        }}
        exit;
    }}
    t_check_trans();
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("registrar.test", "{PASSWORD}", "0")) {{
            www_challenge("registrar.test", "1");
            exit;
        }}
        consume_credentials();
        save("location");
        xlog("L_ERR", "registered $tU at $ct\\n");
        exit;
    }}
    if (!is_method("INVITE|ACK")) {{
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }}
    record_route();
    $var(number) = $rU;
    if (!lookup("location")) {{
        $rU = "{SWITCH}";
        if (!lookup("location")) {{
            sl_send_reply("404", "Nobody There");
            exit;
        }}
        $rU = $var(number);
    }}
    t_relay();
}}
"""


class Registrar(Kamailio):
    """One registrar; a context manager. It challenges by one `algorithm`, MD5 or SHA-256."""

    def __init__(self, directory: Path, *, algorithm: str = "MD5") -> None:
        super().__init__(directory, nodes=(), carriers=())
        self._file = directory / "registrar.cfg"
        listen = f"udp:{self.host}:{self.port}"
        text = CONFIGURATION.replace("LISTEN", listen).replace("ALGORITHM", algorithm)
        self._file.write_text(text)

    def knows(self, user: str) -> bool:
        """Whether a user has registered."""
        return f"registered {user} at " in self.log.read_text(errors="replace")

    def _options(self) -> list[str]:
        return ["-f", str(self._file)]
