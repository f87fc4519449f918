"""PHP's PDO: native and emulated prepares, COPY, large objects, notifications."""
from programs import HERE, STATEMENTS


def test_pdo_sees_the_same_through_the_proxy(proxy, comparison):
    comparison.check("php_pdo", ["/usr/bin/php", HERE / "php_pdo" / "program.php"], proxy, env={"STATEMENTS": str(STATEMENTS)})
