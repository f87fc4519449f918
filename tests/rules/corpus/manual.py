"""The SQL examples of PostgreSQL's manual: of a folder with its HTML pages, as Debian's postgresql-doc-15 has them."""
import html
import re
from pathlib import Path

from pg_parser import fingerprint, statements

_EXAMPLE = re.compile(r'<pre class="(?:programlisting|screen)">(.*?)</pre>', re.S)
_CALL = re.compile(r'<code class="literal">((?:(?!</?code).)*)</code>\s*(?:→\s*)?<code class="returnvalue">', re.S)
_TAG = re.compile(r"<[^>]+>")
_PROMPT = re.compile(r"^\w*[=-][#>] ", re.M)
_EMBEDDED = re.compile(r"^(\s*)EXEC SQL ", re.M)
_VERBS = re.compile(
    r"\s*\(*\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE|CREATE|ALTER|DROP|GRANT|REVOKE|COMMENT|SECURITY|COPY|BEGIN|START|"
    r"COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PREPARE|EXECUTE|DEALLOCATE|DECLARE|FETCH|MOVE|CLOSE|SET|RESET|SHOW|EXPLAIN|ANALYZE|VACUUM|CLUSTER|"
    r"REINDEX|CHECKPOINT|LOCK|LISTEN|UNLISTEN|NOTIFY|DO|CALL|DISCARD|TRUNCATE|REFRESH|IMPORT|REASSIGN|LOAD|ABORT|END)\b", re.I)
_TOKEN = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$).*?\1|;|\(|\)|[\w]+|.""", re.S)
_LONGEST = 30


def _text(markup):
    return html.unescape(_TAG.sub("", markup))


def _end(text):
    """Behind the first semicolon that ends a statement; None when there is none."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"(": 1, ")": -1}.get(token.group(), 0)
        if token.group() == ";" and depth <= 0:
            return token.end()
    return None


def _statement(text):
    """The statement that the text begins with, and what is behind it; (None, text) when it begins with none."""
    end = _end(text)
    if end is not None and fingerprint(text[:end]):
        return text[:end], text[end:]
    lines = text.splitlines(keepends=True)[:_LONGEST]
    for count in range(len(lines), 0, -1):
        head = "".join(lines[:count])
        behind = lines[count] if count < len(lines) else ""
        if (not behind.strip() or _VERBS.match(behind)) and fingerprint(head):
            return head, text[len(head):]
    return None, text


def _examples(page):
    for markup in _EXAMPLE.findall(page):
        rest = _EMBEDDED.sub(r"\1", _PROMPT.sub("", _text(markup)))
        while rest.strip():
            statement = None
            if _VERBS.match(rest):
                statement, rest = _statement(rest)
            if statement is None:
                rest = rest.partition("\n")[2] if "\n" in rest else ""
            else:
                yield from statements(statement)
    for markup in _CALL.findall(page):
        expression = _text(markup).strip()
        sql = expression if _VERBS.match(expression) else "SELECT " + expression
        if fingerprint(sql):
            yield from statements(sql)


def collect(folder):
    """(page, statement) of each example, in the order of the pages."""
    for path in sorted(Path(folder).glob("*.html")):
        for statement in _examples(path.read_text()):
            yield path.stem, statement
