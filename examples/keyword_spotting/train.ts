/** Ridge regression of the last layer on the features that the network before it gives. */

/** Solves `a x = b` for symmetric positive definite `a` (n × n) and several right-hand sides, by Cholesky. */
function solve(a: Float64Array[], b: readonly Float64Array[]): Float64Array[] {
  const n = a.length;
  const l = a.map((row) => Float64Array.from(row));
  const at = (m: readonly Float64Array[], i: number, j: number): number => m[i]?.[j] ?? 0;
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = at(l, i, j);
      for (let k = 0; k < j; k++) sum -= at(l, i, k) * at(l, j, k);
      const row = l[i];
      if (row) row[j] = i === j ? Math.sqrt(sum) : sum / at(l, j, j);
    }
  }
  return b.map((right) => {
    const x = Float64Array.from(right);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) x[i] = (x[i] ?? 0) - at(l, i, k) * (x[k] ?? 0);
      x[i] = (x[i] ?? 0) / at(l, i, i);
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i] = (x[i] ?? 0) - at(l, k, i) * (x[k] ?? 0);
      x[i] = (x[i] ?? 0) / at(l, i, i);
    }
    return x;
  });
}

/** Weights (classes × features) and biases that map features to `margin` for the sample's class and −margin else. */
export function fitLinear(
  samples: readonly { readonly features: ArrayLike<number>; readonly label: number }[],
  classes: number,
  margin: number,
  ridge: number,
): { readonly weights: readonly Float64Array[]; readonly bias: readonly number[] } {
  const features = samples[0]?.features.length ?? 0;
  const n = features + 1;
  const gram = Array.from({ length: n }, () => new Float64Array(n));
  const right = Array.from({ length: classes }, () => new Float64Array(n));
  for (const { features: f, label } of samples) {
    const x = (i: number): number => (i === features ? 1 : (f[i] ?? 0));
    for (let i = 0; i < n; i++) {
      const row = gram[i];
      for (let j = 0; row && j < n; j++) row[j] = (row[j] ?? 0) + x(i) * x(j);
      right.forEach((b, c) => (b[i] = (b[i] ?? 0) + x(i) * (c === label ? margin : -margin)));
    }
  }
  gram.forEach((row, i) => (row[i] = (row[i] ?? 0) + (i === features ? 1e-9 : ridge)));
  const solved = solve(gram, right);
  return { weights: solved.map((w) => w.subarray(0, features)), bias: solved.map((w) => w[features] ?? 0) };
}
