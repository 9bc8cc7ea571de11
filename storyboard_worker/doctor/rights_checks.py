"""Row-level security and rights: the anon key reads no table, and the roles that work with the
tables may do so."""

from collections.abc import Iterator

from storyboard_worker.database import Database
from storyboard_worker.doctor.check import Check, failed, passed, quoted, warned
from storyboard_worker.queries.rights import (
    EXPIRY_FUNCTION,
    OWN_RIGHTS,
    PUBLIC_ROLES,
    SERVICE_RIGHTS,
    SERVICE_ROLE,
    WRITTEN_BY,
    Rights,
)


class RightsChecks:
    def __init__(self, database: Database) -> None:
        self._rights = Rights(database)

    def security(self) -> Iterator[Check]:
        name = "row-level security"
        found = self._rights.security()
        for table in found.without:
            yield failed(
                name,
                f"off for {table}: the anon key may read it",
                f"ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY;",
            )
        for table, policy in found.policies:
            yield warned(
                name,
                f"the policy {policy!r} opens {table}",
                f"DROP POLICY {quoted(policy)} ON public.{table};  -- unless it is intended",
            )
        for table in found.hidden_from_us:
            yield failed(
                name,
                f"hides the rows of {table} from us: our role is neither its owner nor exempt",
                _owning(table, quoted(self._rights.own_role())),
            )
        if not (found.without or found.policies or found.hidden_from_us):
            yield passed(name, "on for every table, without a policy")

    def rights(self) -> Iterator[Check]:
        name = "rights"
        faults = [*self._too_many(name), *self._too_few(name)]
        yield from faults
        if not faults:
            roles = ", ".join(sorted(self._rights.roles())) or "there is no role of Supabase's"
            yield passed(name, f"as granted by the migrations ({roles})")

    def _too_many(self, name: str) -> Iterator[Check]:
        present = self._rights.roles()
        for role in PUBLIC_ROLES:
            for opened in self._rights.opened_to(role) if role in present else ():
                yield failed(
                    name,
                    f"{role} has rights on {opened.removeprefix('TABLE ')}",
                    f"REVOKE ALL ON {opened} FROM PUBLIC, {role};",
                )

    def _too_few(self, name: str) -> Iterator[Check]:
        wanted = {SERVICE_ROLE: SERVICE_RIGHTS} if SERVICE_ROLE in self._rights.roles() else {}
        for role, rights in (wanted | {self._rights.own_role(): OWN_RIGHTS}).items():
            yield from _lacking(name, role, self._rights.missing(role, rights))
            if not self._rights.may_enter(role):
                yield failed(
                    name,
                    f"{role} may not use the schema public",
                    f"GRANT USAGE ON SCHEMA public TO {quoted(role)};",
                )
            if not self._rights.may_enqueue(role):
                yield failed(
                    name,
                    f"{role} may not call {EXPIRY_FUNCTION}, so it cannot write storyboards",
                    f"GRANT EXECUTE ON FUNCTION public.{EXPIRY_FUNCTION} TO {quoted(role)};",
                )


def _owning(table: str, role: str) -> str:
    owned = [f"TABLE public.{table}"]
    owned += [f"FUNCTION public.{function}" for function in WRITTEN_BY.get(table, ())]
    return " ".join(f"ALTER {one} OWNER TO {role};" for one in owned)


def _lacking(name: str, role: str, lacking: dict[str, list[str]]) -> Iterator[Check]:
    for relation, kinds in lacking.items():
        wanted = ", ".join(kinds)
        yield failed(
            name,
            f"{role} lacks {wanted} on {relation}",
            f"GRANT {wanted} ON public.{relation} TO {quoted(role)};",
        )
