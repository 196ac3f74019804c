"""The values of a Kwant system's sites and bonds over a sweep, by as few calls of its value functions as they allow."""

import numpy as np
from kwant.builder import Other, Site

PRECISION = 1e-15  # to which values by arrays and by numbers have to agree: numpy's vector loops round differently
SAMPLES = 200      # values that are compared at the end of a sweep
BLOCK = 1 << 15    # values that a function computes at a time: few enough to stay in the cache


class Sweep:
    """Parameters at all points: `params`, and the arrays `varied` over the points."""

    def __init__(self, params: dict, varied: dict, points: int):
        self.params, self.varied, self.points = params, varied, points
        self.each = [{**params, **{name: v[k].item() for name, v in varied.items()}} for k in range(points)]
        self.check = 2 * points // 3  # where all values are compared: in the middle of a sweep, the field may vanish
        self._by_points = set()       # functions that do not take arrays of parameters

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

    def _fill(self, block, system, terms, places, group):
        """Sets block, (points or 1, terms, orbitals, orbitals), to the values of terms that differ in their sites alone."""
        function, names = terms[0][2:]
        if names is None:
            known = {id(value): np.reshape(np.asarray(value, complex), block.shape[2:]) for _, _, value, _ in terms}
            block[:] = [known[id(value)] for _, _, value, _ in terms]
        elif isinstance(names, Exception) or not self._together(block, system, terms, places.many(group)):
            for k, (i, j, _, _) in enumerate(terms):
                block[:, k] = self._single(system, i, j, function, names, places.one(group[k]), block.shape[2:])

    def _together(self, block, system, terms, sites) -> bool:
        """Fills block by calls for many terms at a time, where the function can be called so."""
        function, names = terms[0][2:]
        step = max(1, BLOCK // len(block))
        if sites is None or len(terms) == 1:
            return False
        try:
            args = [self.varied[n][:, None, None, None] if n in self.varied else self.params[n] for n in names]
            for low in range(0, len(terms), step):
                part = slice(low, low + step)
                block[:, part] = np.asarray(function(*(s[part] for s in sites), *args), complex)
        except Exception:  # whatever a function does with arrays that it did not expect
            return False
        point = min(self.check, len(block) - 1)
        some = sorted({0, len(terms) // 2, len(terms) - 1})
        theirs = [system.hamiltonian(*terms[k][:2], params=self.each[self.check]) for k in some]
        return np.allclose(block[point, some], np.reshape(theirs, (len(some), *block.shape[2:])), rtol=0,
                           atol=PRECISION * abs(block[point]).max(), equal_nan=True)

    def _single(self, system, i, j, function, names, sites, shape):
        """⟨i|H|j⟩, (points, orbitals, orbitals), or (1, orbitals, orbitals) where it does not change."""
        if not self.varies(names):
            return np.reshape(np.asarray(system.hamiltonian(i, j, params=self.each[0]), complex), (1, *shape))
        if shape == (1, 1) and id(function) not in self._by_points:
            try:
                value = np.asarray(function(*sites, *(self.varied.get(n, self.params.get(n)) for n in names)), complex)
                if value.shape == (self.points,):
                    return value[:, None, None]
            except Exception:  # the same; numbers follow
                pass
            self._by_points.add(id(function))
        try:
            values = [function(*sites, *map(params.__getitem__, names)) for params in self.each]
        except Exception:  # Kwant's own call makes it Kwant's error
            values = [system.hamiltonian(i, j, params=params) for params in self.each]
        return np.reshape(np.array(values, complex), (self.points, *shape))


class _Many:
    """Sites of one family as a value function sees one: the numbers of tag and pos are arrays over the sites."""

    def __init__(self, family, tag, pos):
        self.family, self.tag, self.pos = family, tag, pos

    def __getitem__(self, part: slice) -> "_Many":
        return _Many(self.family, self.tag[:, part], self.pos[:, part])


class _One(Site):
    """A site that keeps its position."""

    pos = None  # set by whoever makes it


class _Places:
    """The sites with which value functions are called, for every term."""

    def __init__(self, system, terms):
        move, sites = system.symmetry.to_fd, system.sites
        self._pairs = [(sites[i],) if i == j else move(sites[i], sites[j]) for i, j, *_ in terms]
        self._known: dict = {}  # sites that keep their position

    def families(self, term):
        """What tells the families of a term's sites."""
        return [id(site.family) for site in self._pairs[term]]

    def one(self, term):
        """The sites of a term."""
        return [self._keep(site) for site in self._pairs[term]]

    def many(self, group):
        """The sites of terms of the same families, None where they are no numbers."""
        columns = [list(map(self._keep, column)) for column in zip(*(self._pairs[k] for k in group))]
        try:
            return [_Many(sites[0].family, *(np.array(part).T[..., None, None] for part in (
                [tuple(site.tag) for site in sites], [tuple(site.pos) for site in sites]))) for sites in columns]
        except (TypeError, ValueError, AttributeError, NotImplementedError):
            return None

    def _keep(self, site):
        known = self._known.get(site)
        if known is None:
            known = self._known[site] = tuple.__new__(_One, site)
            try:
                known.pos = Site.pos.__get__(site)
            except (AttributeError, NotImplementedError):  # a family without geometry
                pass
        return known
