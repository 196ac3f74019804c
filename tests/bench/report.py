"""The results of one run as a text and as a plot."""

import numpy as np

import figures


def text(found):
    """The report: machine, versions, times, ratios, sizes."""
    return "\n".join(line for part in (_machine, _times, _ratios, _sizes, _devices, _missing) for line in part(found)) + "\n"


def _machine(found):
    m = found["machine"]
    yield f'{m["processor"]}, {m["cores"]} cores, {" ".join(m["flags"])}; {m["system"]}, Python {m["python"]}, gcc {m["gcc"]}'
    seen = set()
    for versions in found["versions"].values():
        line = ", ".join(f"{name} {version}" for name, version in versions.items())
        if line not in seen:
            seen.add(line)
            yield f"  {line}"


def _times(found):
    if not found["cases"]:
        return
    yield ""
    yield "30 x 30 sites, 101 fields; ms for the whole sweep, medians [quartiles] of interleaved samples, CPU time beside;"
    yield "quiet: samples while nothing else ran, of all. Largest deviation from the reference."
    yield f'{"":50}{"wall":>9} {"[25 %, 75 %]":>19}{"CPU":>9}{"quiet":>8}{"deviation":>11}'
    for name, c in found["cases"].items():
        if name not in found["operations"]:
            errors = found["accuracy"].get(name, {}).values()
            yield (f'{name:50}{_ms(c["wall"]):>9} {"[" + _ms(c["low"]) + ", " + _ms(c["high"]) + "]":>19}{_ms(c["cpu"]):>9}'
                   f'{c["quiet"]:>4}/{c["samples"]}{max(errors, default=float("nan")):>11.0e}')


def _ms(seconds):
    return f"{1e3 * seconds:.4g}" if seconds < 1 else f"{1e3 * seconds:.0f}"


def peaks(found):
    """The multiply-add peak, flop/s, by width of the registers and number of threads: the fastest of all samples, and no less a
    thread than with fewer threads."""
    best = {}
    for name, operations in found["operations"].items():
        bits, label = name.split(", ")[1:]
        best[int(bits.split()[0]), int(label.split()[0])] = operations / found["cases"][name]["best"]
    return {(bits, n): max(n * p / m for (b, m), p in best.items() if b == bits and m <= n) for bits, n in best}


def _label(threads):
    return f"{threads} thread{'s' * (threads > 1)}"


def _ours(kind, threads):
    return f"mcd {kind}, {_label(threads)}"


def _ratios(found):
    if not found["cases"]:
        yield from _allocations(found)
        return
    threads, cases = found["machine"]["cores"], found["cases"]
    ours = {kind: cases[_ours(kind, threads)] for kind in ("value", "gradient", "Jacobian")}
    yield ""
    yield f'{"":58}{"found":>9}{"by CPU":>8}{"aim":>7}{"study":>7}'
    for peer, kind, aim, study in figures.RATIOS:
        peer = peer.format(all=_label(threads))
        if peer in cases:
            ratio, by_cpu = (cases[peer][clock] / ours[kind][clock] for clock in ("wall", "cpu"))
            yield _aim(f"{peer} / mcd {kind}", ratio, aim, ratio >= aim, study, by_cpu)
    for (bits, n), peak in peaks(found).items():
        kernel = {256: "avx2", 512: "avx512"}[bits]
        case = cases.get(f"mcd Jacobian by {kernel}, {_label(n)}")
        if case:
            yield f'multiply-add peak, {bits} bits, {_label(n)}: {peak / 1e9:.1f} Gflop/s; of it, Jacobian by {kernel} ({_ms(case["wall"])} ms)'
            for i, (title, operations) in enumerate(found["counts"].items()):
                fraction = operations / case["wall"] / peak
                title = f"  {title} ({operations / 1e9:.3f} Gflop)"
                yield _aim(title, fraction, figures.PEAK, fraction >= figures.PEAK) if i == 0 else f"{title:58}{fraction:>9.3g}"
    leads = cases["mcd leads and value"]["wall"] - ours["value"]["wall"]
    yield _aim("leads for 101 fields, ms", 1e3 * leads, 1e3 * figures.LEADS, leads <= figures.LEADS)
    for name, case in cases.items():
        alone = cases.get(f"{name}, its Jacobians")
        if alone:
            outside = 1 - alone["wall"] / case["wall"]
            yield _aim(f"share outside the engine: {name[4:]}", outside, figures.OVERHEAD, outside <= figures.OVERHEAD,
                       by_cpu=1 - alone["cpu"] / case["cpu"])
    yield from _allocations(found)


def _allocations(found):
    for name, n in found.get("allocations", {}).items():
        yield _aim(f"allocations: {name}", n, 0, n == 0)


def _aim(title, value, aim, reached, study=None, by_cpu=None):
    by_cpu = f"{by_cpu:.3g}" if by_cpu else ""
    return f'{title:58}{value:>9.3g}{by_cpu:>8}{aim:>7g}{study or "":>7}  {"" if reached else "missed"}'.rstrip()


def _sizes(found):
    threads = found["machine"]["cores"]
    for s in found.get("shapes", []):
        yield (f'{s["length"]} x {s["width"]} (L x W), {s["points"]} fields: {_ms(s["wall"])} ms; '
               f'{1e9 * s["wall"] / s["plain"] * 1e3:.3g} ms for a Gflop of inversions')
    if not found["sizes"]:
        return
    yield ""
    yield f"Jacobian of 101 fields, W = L, ms ({_label(threads)})"
    names = list(dict.fromkeys(name for s in found["sizes"] for name in s["cases"]))
    yield f'{"W":>5}' + "".join(f"{name:>22}" for name in names)
    for s in found["sizes"]:
        yield f'{s["width"]:>5}' + "".join(f'{_ms(s["cases"][n]["wall"]) if n in s["cases"] else "":>22}' for n in names)
    widths, walls = curve(found, names[0])
    for w, t in zip(widths, walls):
        if w == 100:
            yield _aim("100 x 100, ms", 1e3 * t, 1e3 * figures.LARGE, t <= figures.LARGE)
    large = widths >= 64
    if large.sum() > 1:
        exponent = np.polyfit(np.log(widths[large]), np.log(walls[large]), 1)[0]
        yield _aim(f"growth exponent, W = 64 to {widths[-1]:.0f}", exponent, figures.GROWTH, exponent <= figures.GROWTH)


def curve(found, name):
    """Widths and seconds of one case over the sizes."""
    pairs = [(s["width"], s["cases"][name]["wall"]) for s in found["sizes"] if name in s["cases"]]
    return tuple(np.array(pairs, float).T)


def _devices(found):
    for name, device in found.get("devices", {}).items():
        yield ""
        yield f'{name}: {device["orbitals"]} orbitals, up to {device["modes"]} modes a lead; ms for a point (leads: for each of them)'
        for case, c in device["cases"].items():
            yield f'  {case:36}{_ms(c["wall"]):>9} {"[" + _ms(c["low"]) + ", " + _ms(c["high"]) + "]":>19}{_ms(c["cpu"]):>9}{c["quiet"]:>4}/{c["samples"]}'
        for peer, ours, aim in figures.DEVICE_RATIOS:
            if peer not in device["cases"] or ours not in device["cases"]:
                continue
            ratio, by_cpu = (device["cases"][peer][clock] / device["cases"][ours][clock] for clock in ("wall", "cpu"))
            yield _aim(f"{peer} / {ours}", ratio, aim, ratio >= aim, by_cpu=by_cpu)
        gradient, by_cpu = (device["cases"]["mcd gradient"][clock] / device["cases"]["mcd value"][clock] for clock in ("wall", "cpu"))
        yield _aim("mcd gradient / mcd value", gradient, figures.GRADIENT, gradient <= figures.GRADIENT, by_cpu=by_cpu)


def _missing(found):
    if found["missing"]:
        yield ""
        yield from (f"left out: {what} ({why})" for what, why in found["missing"].items())


def plot(found, path):
    """Cost against size, with the peers."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import ScalarFormatter

    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    names = list(dict.fromkeys(name for s in found["sizes"] for name in s["cases"]))
    for name, colour, marker in zip(names, ("#0b5fa5", "#c8702a", "#5b8c3a"), "osD"):
        widths, walls = curve(found, name)
        axes.loglog(widths, 1e3 * walls, color=colour, marker=marker, markersize=5, lw=1.6, label=name)
    ticks = [s["width"] for s in found["sizes"]]
    axes.set_xticks(ticks, map(str, ticks))
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel("width and length, sites")
    axes.set_ylabel("Jacobian of 101 fields, ms")
    lines, labels = axes.get_legend_handles_labels()
    axes.legend(lines[::-1], labels[::-1], frameon=False, labelcolor="linecolor")  # the dearest first
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, which="major", alpha=0.25)
    figure.savefig(path, dpi=160)


def plot_devices(found, path):
    """Time of a point for every device: factorize and solve, and all that a user waits for."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [n for n in found["devices"] if n != figures.MANY_ORBITALS][::-1]
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 0.6 + 0.62 * len(names)), layout="constrained", sharey=True)
    for axes, title, peer, ours in zip(panels, ("factorize and solve, one thread", "sweep with import and leads"),
                                       ("MUMPS factorize and solve", "Kwant smatrix"),
                                       ("mcd factorize and solve", "mcd sweep with import and leads")):
        for case, colour, shift in (ours, "#0b5fa5", -0.19), (peer, "#c8702a", 0.19):
            walls = [1e3 * found["devices"][n]["cases"][case]["wall"] for n in names]
            bars = axes.barh([i - shift for i in range(len(names))], walls, 0.36, color=colour, label=case.split(" ")[0])
            axes.bar_label(bars, [f"{w:.3g}" for w in walls], padding=3, color=colour, fontsize=8)
        axes.set_xscale("log")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("ms for a point")
        axes.set_yticks(range(len(names)), names)
        axes.margins(x=0.18)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, labelcolor="linecolor", fontsize=8)
    figure.savefig(path, dpi=160)
