"""The one writer of tables: groups of cells, their samples, and markdown."""
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A number that each sample of a group has. With `ratio` it is also shown divided by the reference way's of the same round."""
    key: str
    head: str
    form: str = ",.0f"
    ratio: bool = False


class Group:
    """A kind of cell: one table. Subclasses say what is measured; bench/compare/compare.py does the rounds.

    name    for --only and the heading     heads   of the columns that say which cell
    title   what the table shows           cells   tuples of words, one for each head
    ways    compared with each other       reference  the way that ratios are to
    rounds  samples of each cell; None takes --rounds
    """
    name = title = ""
    heads, cells, columns = (), (), ()
    ways = ("pgswitch", "pgbouncer", "pgpool", "haproxy", "direct")
    reference = "pgbouncer"
    rounds = None

    def measure(self, stage, way, cell, arguments):
        """One sample: {column key: number}; None when this way has no such cell."""
        raise NotImplementedError


def table(group, samples):
    """samples: cell -> way -> list of samples, one for each round."""
    heads = [*group.heads, "through"]
    for column in group.columns:
        heads += [column.head, f"/ {group.reference}"] if column.ratio else [column.head]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * (len(group.heads) + 1) + "--:|" * (len(heads) - len(group.heads) - 1)]
    for cell, by_way in samples.items():
        for way, taken in by_way.items():
            if any(taken):
                lines.append(f"| {' | '.join([*map(str, cell), way, *_numbers(group, taken, by_way.get(group.reference, []))])} |")
    return f"### {group.name}\n\n{group.title}\n\n" + "\n".join(lines) + "\n"


def _numbers(group, taken, reference):
    for column in group.columns:
        values = [sample[column.key] for sample in taken if sample and sample.get(column.key) is not None]
        yield format(statistics.median(values), column.form) if values else ""
        if column.ratio:
            yield _ratio(column.key, taken, reference)


def _ratio(key, taken, reference):
    """The median of the rounds' ratios: both halves of a ratio were taken one after the other, on the same machine's mood."""
    pairs = [(a[key], b[key]) for a, b in zip(taken, reference) if a and b and a.get(key) is not None and b.get(key)]
    return f"{statistics.median(a / b for a, b in pairs):.2f}" if pairs else ""
