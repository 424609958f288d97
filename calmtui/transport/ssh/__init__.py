"""SSH as the operator has set it up: ssh_config, agent, jump hosts, known_hosts. Importing it is cheap.

    dialer = Dialer(ask, config=None)
    connection = await dialer.open(Target.parse("ssh://root@web-01:2222"))
    listener = await connection.forward_local_path(local, "/var/run/docker.sock")

What is called on a connection afterwards raises asyncssh's exceptions: `except foreign() as error: raise
translate(error, where) from error`.
"""

from calmtui.transport.ssh.config import SshConfig
from calmtui.transport.ssh.dial import Dialer, Target
from calmtui.transport.ssh.errors import foreign, translate
from calmtui.transport.ssh.prompts import Ask
from calmtui.transport.ssh.settings import Settings

__all__ = ["Ask", "Dialer", "Settings", "SshConfig", "Target", "foreign", "translate"]
