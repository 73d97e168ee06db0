/* Reductions over the lanes of a row. Included by kernels that have some, once per instruction set and precision,
   after panels.h.

   A row goes through in vectors, from its first lane to its last, and one vector of partial results is reduced at the
   end: the order depends on the row's length and on the vector's, never on the batch. What stands past the end of the
   row is replaced by a neutral element first. */

#define vindex SC(vindex)
#define vkeep SC(vkeep)
#define vlargest SC(vlargest)
#define vfirst SC(vfirst)
#define vfirst_lane SC(vfirst_lane)

/* lane, lane + 1, ...: the indices of the lanes of a vector, exact up to 2^24 in float32. */
SC_INLINE vec vindex(ptrdiff_t lane) {
    vec from_zero;
    for (int i = 0; i < VL; ++i) from_zero[i] = (real)i;
    return from_zero + vfill((double)lane);
}

/* The first n lanes of x, and `neutral` in those past them. Through memory, at most once per row: GCC 12 does not
   survive a selection by compared indices where SSE2 is all there is. */
SC_INLINE vec vkeep(vec x, ptrdiff_t n, double neutral) {
    if (n >= VL) return x;
    real lane[VL];
    vstore(lane, x);
    for (ptrdiff_t i = n; i < VL; ++i) lane[i] = (real)neutral;
    return vload(lane);
}

/* The largest lane; NaN where there is one, as in NumPy. */
SC_INLINE real vlargest(vec x) {
    real lane[VL];
    vstore(lane, x);
    for (int width = VL / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i) {
            const real a = lane[i], b = lane[i + width];
            lane[i] = a > b || a != a ? a : b;
        }
    return lane[0];
}

/* In each lane the larger of *best and x, and the index that it has; of equals the one that came first, and of
   everything the first NaN. */
SC_INLINE void vfirst(vec *best, vec *at, vec x, ptrdiff_t lane) {
    const ivec holds = (ivec)(*best >= x) | (ivec)(*best != *best);
    *best = vselect(holds, *best, x);
    *at = vselect(holds, *at, vindex(lane));
}

/* The index of the largest of all lanes, likewise. */
SC_INLINE real vfirst_lane(vec best, vec at) {
    real value[VL], index[VL];
    vstore(value, best);
    vstore(index, at);
    int k = 0;
    for (int i = 1; i < VL; ++i) {
        const int nan = value[i] != value[i], held = value[k] != value[k];
        const int equal = (nan && held) || value[i] == value[k];
        if ((nan && !held) || (!held && value[i] > value[k]) || (equal && index[i] < index[k])) k = i;
    }
    return index[k];
}
