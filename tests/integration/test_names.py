"""SQL and the protocol have one set of names for prepared statements and portals, as in PostgreSQL."""
import pytest
from conftest import TEST_RULES
from conversation import conversation
from endpoint import Endpoint

CONVERSATIONS = {
    "execute and deallocate what the protocol prepared": """
        P x|select $1::int as a
        S ..
        Q execute x(5)..
        Q explain (costs off) EXECUTE/*c*/X(5);..
        Q create temp table made as execute x(7)..
        Q select a + 0 from made..
        Q execute x(no_column)..
        Q deallocate prepare x; execute x(1)..
        B |x
        S""",
    "bind, describe and close what SQL prepared": """
        Q prepare x(int) as select $1 as a..
        B p|x|7
        E p
        S ..
        D S x
        S ..
        P x|select 2
        S ..
        C S x
        S ..
        Q execute x""",
    "execute and deallocate in the extended protocol": """
        P x|select 1 as a
        P |execute x
        B |
        D P
        E
        S ..
        P |prepare y as select 1 as b
        B |
        E
        B |y
        E
        S ..
        P |deallocate y
        B |
        E
        B |y
        S""",
    "a name is taken": """
        P x|select 1 as a
        S ..
        Q prepare x as select 2..
        P x|select 2
        S ..
        P x|select 1; select 2
        S ..
        Q deallocate x; prepare x as select 2; execute x..
        B |x
        E
        S""",
    "quoted names": """
        P X y|select 2 as b
        S ..
        Q execute "X y"..
        Q deallocate "X y"..
        Q execute "X y"
    """,
    "transaction control that was prepared": """
        P x|begin
        P y|rollback
        S ..
        Q execute x..
        Q execute y..
        Q rollback""",
    "names of sql outlive their transaction": """
        Q begin; prepare z as select 1; rollback..
        B |z
        E
        S ..
        C S z
        S ..
        Q execute z""",
    "the portal of a held cursor": """
        Q declare c cursor with hold for select g from generate_series(1, 5) g..
        D P c
        S ..
        Q fetch 1 from c..
        E c|2
        S ..
        C P c
        S ..
        Q fetch 1 from c""",
    "the portal of a cursor and the cursor of a portal": """
        Q begin..
        Q declare c cursor for select g from generate_series(1, 5) g..
        D P c
        E c|2
        S ..
        C P c
        S ..
        P q|select g from generate_series(1, 5) g
        B d|q
        E d|1
        S ..
        Q fetch 1 from d..
        Q move 1 from d..
        E d|1
        S ..
        Q close d..
        E d
        S ..
        Q rollback""",
    "errors name what the client named": """
        P x|select 1 as a
        S ..
        B |x|5|6
        S""",
    "portals that have run": """
        P |begin
        B |
        E
        E
        S ..
        P |rollback
        B |
        E
        E
        S ..
        P |commit
        B p|
        E p
        E p
        S""",
    "portals behind a savepoint": """
        Q begin..
        P |savepoint a
        B |
        E
        P q|select 1 as a
        B p|q
        E p
        S ..
        P |rollback to a
        B |
        E
        E p
        S ..
        Q rollback""",
    "deallocate in a failed transaction": """
        P x|select 1
        P y|deallocate all
        S ..
        Q begin
        Q select 1/0
        Q deallocate all
        Q deallocate x..
        B |y
        E
        S ..
        Q rollback..
        B |x
        E
        S""",
    "savepoints that nobody has set": """
        Q begin..
        D S none
        S ..
        Q rollback to a..
        Q rollback..
        Q begin..
        Q savepoint a..
        D S none
        S ..
        Q rollback to a..
        Q select 1..
        Q commit""",
}


@pytest.fixture(params=("transaction", "session"), scope="module")
def trusting(request, make_pooler):
    pooler = make_pooler(rules=TEST_RULES, auth_type="trust", pool_mode=request.param, default_pool_size=2)
    pooler.start()
    yield Endpoint(pooler.port, pooler=pooler)
    pooler.stop()


@pytest.mark.pgswitch
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_names_mean_what_they_mean_directly(trusting, direct, name):
    """Twice: the second time servers hold what was prepared before."""
    expected = conversation(direct, CONVERSATIONS[name])
    for _ in range(2):
        assert conversation(trusting, CONVERSATIONS[name]) == expected
