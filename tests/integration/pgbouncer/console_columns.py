"""The columns of each SHOW of pgbouncer 1.25, and what tells them from 1.18's: facts for test_console.py.

Types: i int4, q int8, N numeric, s text.
"""
OIDS = {"i": 23, "q": 20, "N": 1700, "s": 25}

STATS = ("server_assignment_count xact_count query_count received sent xact_time query_time wait_time client_parse_count server_parse_count "
         "bind_count client_login_count").split()
STATS_OF_ONE_KIND = [{"received": "bytes_received", "sent": "bytes_sent"}.get(name, name) for name in STATS]
CLIENTS = ("type user database replication state addr port local_addr local_port connect_time request_time wait wait_us close_needed ptr link "
           "remote_pid tls application_name prepared_statements id")
BUFFERS = " recv_pos pkt_pos pkt_remain send_pos send_remain pkt_avail send_avail"
COLUMNS = {
    "DATABASES": ("ssissiiiissiiiiii", "name host port database force_user pool_size min_pool_size reserve_pool_size server_lifetime pool_mode "
                  "load_balance_hosts max_connections current_connections max_client_connections current_client_connections paused disabled"),
    "POOLS": ("ssiiiiiiiiiiiiiss", "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel "
              "sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode load_balance_hosts"),
    "CLIENTS": ("ssssssisissiiississii", CLIENTS),
    "SERVERS": ("ssssssisissiiississii", CLIENTS),
    "SOCKETS": ("ssssssisissiiississii" + "i" * 7, CLIENTS + BUFFERS),
    "ACTIVE_SOCKETS": ("ssssssisissiiississii" + "i" * 7, CLIENTS + BUFFERS),
    "USERS": ("ssssiiii", "name pool_size reserve_pool_size pool_mode max_user_connections current_connections max_user_client_connections "
              "current_client_connections"),
    "STATS": ("s" + "N" * 24, " ".join(["database", *("total_" + name for name in STATS),
                                        *("avg_" + {"received": "recv"}.get(name, name) for name in STATS)])),
    "STATS_TOTALS": ("s" + "N" * 12, " ".join(["database", *STATS_OF_ONE_KIND])),
    "STATS_AVERAGES": ("s" + "N" * 12, " ".join(["database", *STATS_OF_ONE_KIND[:8], *("avg_" + name for name in STATS[8:])])),
    "TOTALS": ("sN", "name value"),
    "LISTS": ("si", "list items"),
    "MEM": ("siiii", "name size used free memtotal"),
    "STATE": ("ss", "key value"),
    "CONFIG": ("ssss", "key value default changeable"),
    "DNS_HOSTS": ("sqs", "hostname ttl addrs"),
    "DNS_ZONES": ("sqi", "zonename serial count"),
    "VERSION": ("s", "version"),
}
# Columns of 1.18 that 1.25 has under another name.
RENAMED = {"reserve_pool": "reserve_pool_size"}
# What pgswitch appends to them, and why.
OWN_COLUMNS = {
    "CLIENTS": ["route", "pins"],  # which server, and what holds the session to it
    "SERVERS": ["route", "pins", "kind"],  # what is behind it: postgres or redshift
    "STATS": ["total_requests"],   # Debian's exporter asks for these two old names
    "DATABASES": ["reserve_pool", "kind"],
}
# Subjects that 1.18 does not have.
NEWER = {"STATE"}


def described(subject):
    types, names = COLUMNS[subject]
    assert len(types) == len(names.split()), subject
    return [(name, OIDS[letter]) for name, letter in zip(names.split(), types)]
