"""The values of a Kwant system's sites and bonds over a sweep, by as few calls of its value functions as they allow."""

import builtins
import cmath
import math
from itertools import repeat
from types import CellType, FunctionType

import numpy as np
from kwant.builder import Other, Site

from .errors import ArgumentError

PRECISION = 1e-15  # to which values by arrays and by numbers have to agree: numpy's vector loops round differently
SAMPLES = 200      # values that are compared at the end of a sweep
BLOCK = 1 << 15    # values that a function computes at a time: few enough to stay in the cache
STRICT = dict(divide="raise", over="raise", invalid="raise")  # as numbers do: a function may count on ZeroDivisionError
BRANCHES = 64      # calls for parts of a group that a function treats differently, beyond which it is called for every term


class Sweep:
    """Parameters at all points: `params`, and the arrays `varied` over the points."""

    def __init__(self, params: dict, varied: dict, points: int):
        self.params, self.varied, self.points = params, varied, points
        self.each = [{**params, **{name: v[k].item() for name, v in varied.items()}} for k in range(points)]
        self.check = 2 * points // 3  # where all values are compared: in the middle of a sweep, the field may vanish
        self._by_points = set()       # functions that do not take arrays of parameters
        self._columns: dict = {}      # arguments at all points, by their names
        self._twins: dict = {}        # the forms in which functions are called, by their id

    def varies(self, names) -> bool:
        """Whether a function of parameters with these names (None: a constant) changes over the sweep."""
        return names is not None and (isinstance(names, Exception) or not self.varied.keys().isdisjoint(names))

    def assemble(self, system, norbs, sites):
        """Rows, columns and values, (points, entries), or (1, entries) if nothing changes, of the first sites and of the bonds
        from them, both triangles. Values are None where functions of arrays do not agree with functions of numbers."""
        terms = [(i, i, *system.onsites[i]) for i in range(sites)]
        terms += [(i, j, *value) for (i, j), value in zip(system.graph, system.hoppings) if value[0] is not Other]
        places = _Places(system, terms)
        groups: dict = {}  # terms that one call may compute; sites come first
        count = norbs.tolist()
        for k, (i, j, function, names) in enumerate(terms):
            what = None if names is None else id(function)
            groups.setdefault((i == j, what, count[i], count[j], *places.families(k)), []).append(k)
        order = [k for group in groups.values() for k in group]
        i, j = np.array([terms[k][:2] for k in order]).T
        sizes, first = norbs[i] * norbs[j], np.append(0, np.cumsum(norbs))
        start = np.append(0, np.cumsum(sizes))
        of = np.repeat(np.arange(len(order)), sizes)  # term of every entry
        row, col = np.divmod(np.arange(start[-1]) - start[of], norbs[j[of]])
        rows, cols, own, entries = first[i[of]] + row, first[j[of]] + col, start[sites], start[-1]
        changing = any(self.varies(names) for *_, names in terms)
        values = np.empty((self.points if changing else 1, 2 * entries - own), complex)
        low = 0
        for group in groups.values():
            high = low + len(group)
            block = values[:, start[low]:start[high]].reshape(len(values), len(group), count[i[low]], count[j[low]])
            self._fill(block, system, [terms[k] for k in group], places, group)
            low = high
        np.conjugate(values[:, own:entries], out=values[:, entries:])
        sample = range(0, len(order), 1 + len(order) // SAMPLES)
        expected = np.concatenate([np.ravel(system.hamiltonian(i[k], j[k], params=self.each[-1])) for k in sample])
        found = np.concatenate([values[-1, start[k]:start[k + 1]] for k in sample])
        if not np.allclose(found, expected, rtol=0, atol=PRECISION * abs(values[-1]).max(), equal_nan=True):
            values = None
        return np.append(rows, cols[own:]), np.append(cols, rows[own:]), values

    def finite(self, system, norbs, rows, cols, values, where: str):
        """Raises an error that names the site or bond and the point of the first value that is not finite."""
        if values is None or np.isfinite(values.sum()):
            return
        point, entry = (places[0] for places in np.nonzero(~np.isfinite(values)))
        first = np.cumsum(norbs)
        sites = sorted({int(np.searchsorted(first, k[entry], side="right")) for k in (rows, cols)})
        point = point if len(values) > 1 else self.check
        at = ", ".join(f"{name}={v[point]:.6g}" for name, v in self.varied.items())
        raise ArgumentError(f"{where}the value of {' and '.join(_named(system.sites[k]) for k in sites)} at point {point} ({at}) is "
                            f"{values[min(point, len(values) - 1), entry]}; value functions have to be finite everywhere")

    def _fill(self, block, system, terms, places, group):
        """Sets block, (points or 1, terms, orbitals, orbitals), to the values of terms that differ in their sites alone."""
        function, names = terms[0][2:]
        if names is None:
            known = {id(value): _shaped(np.asarray(value, complex), block.shape[2:], system, i, j) for i, j, value, _ in terms}
            block[:] = [known[id(value)] for _, _, value, _ in terms]
        elif isinstance(names, Exception) or not self._together(block, system, terms, places.many(group)):
            for k, (i, j, _, _) in enumerate(terms):
                block[:, k] = self._single(system, i, j, function, names, places.one(group[k]), block.shape[2:])

    def _together(self, block, system, terms, sites) -> bool:
        """Fills block by calls for many terms at a time, where the function can be called so."""
        function, names = terms[0][2:]
        if sites is None or len(terms) == 1:
            return False
        return any(self._branches(block, system, terms, sites, function, names) for function in self._forms(function))

    def _forms(self, function) -> list:
        """The function, and the one that calls numpy's twins."""
        known = self._twins.get(id(function))
        if known is None:
            twin = _twin(function, {})
            known = self._twins[id(function)] = [function] if twin is function else [function, twin]
        return known

    def _branches(self, block, system, terms, sites, function, names) -> bool:
        """Fills block by calls for some thousand values at a time."""
        step = max(1, BLOCK // len(block))
        return all(self._branch(block, system, terms, sites, function, names, np.arange(low, min(low + step, len(terms))))
                   for low in range(0, len(terms), step))

    def _branch(self, block, system, terms, sites, function, names, some) -> bool:
        """Fills block for some terms, part by part: where a condition holds for a part of them, or of the points, it is computed
        for these and for the others."""
        parts, point = [(np.arange(len(block)), some)], min(self.check, len(block) - 1)
        for _ in range(BRANCHES):
            points, some = parts.pop()
            try:
                args = [_numbers(self.varied[n][points, None, None, None]) if n in self.varied else self.params[n]
                        for n in names]
                with np.errstate(**STRICT):
                    value = np.asarray(function(*(s[some] for s in sites), *args), complex)
                if len(points) == len(block) and len(some) == 1 + some[-1] - some[0]:
                    block[:, some[0]:some[-1] + 1] = value  # faster than by lists
                else:
                    block[np.ix_(points, some)] = value
            except _Undecided as undecided:
                both = undecided.parts(points, some)
                if both is None:
                    return False
                parts += both
                continue
            except Exception:  # whatever a function does with arrays that it did not expect
                return False
            if point in points:
                seen = [some[0], some[-1]]
                theirs = [system.hamiltonian(*terms[k][:2], params=self.each[self.check]) for k in seen]
                if not np.allclose(block[point, seen], np.reshape(theirs, (2, *block.shape[2:])), rtol=0,
                                   atol=PRECISION * abs(block[point, some]).max(), equal_nan=True):
                    return False
            if not parts:
                return True
        return False

    def _arguments(self, names) -> list:
        """The values of every one of these parameters at all points."""
        known = self._columns.get(names)
        if known is None:
            known = self._columns[names] = [[params[n] for params in self.each] for n in names]
        return known

    def _single(self, system, i, j, function, names, sites, shape):
        """⟨i|H|j⟩, (points, orbitals, orbitals), or (1, orbitals, orbitals) where it does not change."""
        if not self.varies(names):
            value = np.asarray(system.hamiltonian(i, j, params=self.each[0]), complex)
            return _shaped(value, shape, system, i, j)[None]
        if shape == (1, 1) and id(function) not in self._by_points:
            try:
                with np.errstate(**STRICT):
                    value = np.asarray(function(*sites, *(self.varied.get(n, self.params.get(n)) for n in names)), complex)
                if value.shape == (self.points,):
                    return value[:, None, None]
            except Exception:  # the same; numbers follow
                pass
            self._by_points.add(id(function))
        try:
            values = list(map(function, *map(repeat, sites), *self._arguments(names)))
        except Exception:  # Kwant's own call makes it Kwant's error
            values = [system.hamiltonian(i, j, params=params) for params in self.each]
        return _shaped(np.array(values, complex), (self.points, *shape), system, i, j)


def _named(site) -> str:
    family = getattr(site.family, "name", "")
    return f"site {tuple(site.tag)}" + (f" of {family}" if family else "")


def _shaped(value, shape, system, i, j):
    """value as it has to be; with one orbital, Kwant takes numbers too."""
    if value.shape != shape and (value.shape + (1, 1))[:len(shape)] != shape:
        rows, cols = shape[-2:]
        sites = " and ".join(_named(system.sites[k]) for k in sorted({i, j}))
        raise ArgumentError(f"norbs: the value of {sites} has shape {value.shape[len(shape) - 2:]}, but {rows} and {cols} orbitals "
                            f"stand there; give values of shape {(rows, cols)}, or the lattice another norbs")
    return value.reshape(shape)


class _Undecided(Exception):
    """A condition holds for some points or terms only: where `holds`."""

    def __init__(self, holds):
        self.holds = holds

    def parts(self, points, terms):
        """The parts of points × terms for which it is decided, None if the condition is about something else."""
        shape = (1,) * (4 - self.holds.ndim) + self.holds.shape
        if len(shape) != 4 or shape[0] not in (1, len(points)) or shape[1] not in (1, len(terms)) or shape[2:] != (1, 1):
            return None
        holds = self.holds.reshape(shape[:2])
        if shape[1] == 1:
            return [(points[part], terms) for part in (holds[:, 0], ~holds[:, 0])]
        alike = np.unique(holds, axis=1, return_inverse=True)[1].ravel()  # terms for which it holds at the same points
        return [(points, terms[alike == k]) for k in range(alike.max() + 1)]


class _Numbers(np.ndarray):
    """An array in the place of a number: a condition on it is one only where it holds for all or for none."""

    def __bool__(self):
        holds = np.asarray(self).astype(bool)
        if holds.all() != holds.any():
            raise _Undecided(holds)
        return bool(holds.all())


def _numbers(values) -> _Numbers:
    return values.view(_Numbers)


class _Many:
    """Sites of one family as a value function sees one: the numbers of tag and pos are arrays over the sites."""

    __hash__ = None  # else a lookup by site would find nothing, and say nothing

    def __init__(self, family, tag, pos):
        self.family, self.tag, self.pos = family, _numbers(tag), _numbers(pos)

    def __eq__(self, other):
        raise TypeError("many sites: equal to none")

    def __getitem__(self, part) -> "_Many":
        return _Many(self.family, self.tag[:, part], self.pos[:, part])


def _twin(value, known: dict):
    """A function as it would be if it called numpy's functions in the place of those of math and cmath: these take arrays."""
    try:
        if value in _TWINS:
            return _TWINS[value]
    except TypeError:  # not hashable, so none of these
        return value
    if not isinstance(value, FunctionType):
        return value
    if id(value) in known:
        return known[id(value)]
    names, codes = set(), [value.__code__]
    for code in codes:
        names.update(code.co_names)
        codes += [constant for constant in code.co_consts if isinstance(constant, type(code))]
    scope = dict(value.__globals__)
    cells = tuple(CellType() for _ in value.__closure__ or ())
    twin = known[id(value)] = FunctionType(value.__code__, scope, value.__name__, value.__defaults__, cells)
    twin.__kwdefaults__ = value.__kwdefaults__
    changed = False
    for name in names:
        if name in scope or hasattr(builtins, name):
            old = scope.get(name, getattr(builtins, name, None))
            scope[name] = _twin(old, known)
            changed |= scope[name] is not old
    for cell, old in zip(cells, value.__closure__ or ()):
        try:
            cell.cell_contents = _twin(old.cell_contents, known)
            changed |= cell.cell_contents is not old.cell_contents
        except ValueError:  # not set yet
            pass
    if not changed:
        known[id(value)] = value
    return known[id(value)]


class _Module:
    """math or cmath with numpy's functions of the same meaning."""

    def __init__(self, module):
        self.__dict__.update({name: _TWINS.get(f, f) if callable(f) else f for name, f in vars(module).items()})


_TWINS = {getattr(module, name): getattr(np, twin)
          for module, twins in (
              (math, dict(sqrt="sqrt", sin="sin", cos="cos", tan="tan", sinh="sinh", cosh="cosh", tanh="tanh", asin="arcsin",
                          acos="arccos", atan="arctan", atan2="arctan2", exp="exp", log="log", hypot="hypot", floor="floor",
                          ceil="ceil", fabs="abs")),
              (cmath, dict(exp="exp", sin="sin", cos="cos", sinh="sinh", cosh="cosh", tanh="tanh", phase="angle")))
          for name, twin in twins.items()}
_TWINS[complex] = lambda re=0, im=0: re + 1j * im
_TWINS[float] = lambda value=0: value + 0.0
_TWINS.update({module: _Module(module) for module in (math, cmath)})


class _One(Site):
    """A site that keeps its position."""

    pos = None  # where its family has no geometry

    @classmethod
    def of(cls, site):
        """The site with its position."""
        one = tuple.__new__(cls, site)
        try:
            one.pos = Site.pos.__get__(site)
        except (AttributeError, NotImplementedError):  # a family without geometry
            pass
        return one


class _Places:
    """The sites with which value functions are called, for every term."""

    def __init__(self, system, terms):
        move, sites = system.symmetry.to_fd, system.sites
        first = [(i, j) for i, j, *_ in terms]
        if system.symmetry.num_directions:  # elsewhere a site stands for itself
            known = {site: k for k, site in enumerate(sites)}
            sites = list(sites)
            for k, (i, j) in enumerate(first):
                if i != j:
                    pair = move(sites[i], sites[j])
                    for site in pair:
                        if known.setdefault(site, len(sites)) == len(sites):
                            sites.append(site)
                    first[k] = known[pair[0]], known[pair[1]]
        self._pairs, self._sites = first, list(map(_One.of, sites))
        self._families = [id(site.family) for site in sites]
        self._arrays: dict = {}  # of every family: the places of its sites in tag and pos

    def families(self, term):
        """What tells the families of a term's sites."""
        i, j = self._pairs[term]
        return self._families[i], self._families[j]

    def one(self, term):
        """The sites of a term."""
        i, j = self._pairs[term]
        return [self._sites[i]] if i == j else [self._sites[i], self._sites[j]]

    def many(self, group):
        """The sites of terms of the same families, None where they are no numbers."""
        columns = np.array([self._pairs[k] for k in group]).T
        sites = [self._many(column) for column in (columns[:1] if (columns[0] == columns[1]).all() else columns)]
        return None if any(many is None for many in sites) else sites

    def _many(self, column):
        family = self._families[column[0]]
        if family not in self._arrays:
            members = [k for k, of in enumerate(self._families) if of == family]
            place = np.empty(len(self._sites), int)
            place[members] = np.arange(len(members))
            sites = [self._sites[k] for k in members]
            try:
                parts = [np.array([tuple(part) for part in parts]).T[..., None, None]
                         for parts in ([site.tag for site in sites], [site.pos for site in sites])]
                self._arrays[family] = place, _Many(sites[0].family, *parts)
            except (TypeError, ValueError, AttributeError, NotImplementedError):
                self._arrays[family] = place, None
        place, many = self._arrays[family]
        return None if many is None else many[place[column]]
