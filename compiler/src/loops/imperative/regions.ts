/** Regions of feature maps pooled to one size, and detections from anchors. */
import { dtypeInfo, integerRange, isFloat } from '../../tensor/dtype.ts';
import type { UnaryFn } from '../../tensor/te.ts';
import { add, assign, bin, block, cast, declare, loop, mul, sub, local } from '../build.ts';
import type { LExpr, Local, Stmt } from '../ir.ts';
import { f32, greatest } from './boxes.ts';
import {
  allOf,
  anyOf,
  choose,
  compare,
  constantOf,
  fill,
  isNaNOf,
  least,
  no,
  placeAt,
  sourceAt,
  when,
  type Nest,
  type NestContext,
  type Place,
  type Source,
} from './nest.ts';

const { fround } = Math;
const unary = (op: UnaryFn, operand: LExpr): LExpr => ({ kind: 'unary', op, dtype: 'float32', operand });
const times = (a: LExpr, b: LExpr): LExpr => bin('mul', a, b);
const over = (a: LExpr, b: LExpr): LExpr => bin('div', a, b);
const real = (index: LExpr): LExpr => cast('float32', index);

/** Declares values one by one. */
class Steps {
  readonly statements: Stmt[] = [];
  of(name: string, value: LExpr): LExpr {
    const made = local(name, value.kind === 'compare' ? 'bool' : 'float32');
    this.statements.push(declare(made, value));
    return made;
  }
  index(name: string, value: LExpr): LExpr {
    const made = local(name, 'index');
    this.statements.push(declare(made, cast('index', value)));
    return made;
  }
}

/** The greater of two values; NaN stays. */
function raised(most: Local, value: Local): Stmt {
  const keeps = compare('gt', most, value);
  const nan = isNaNOf(most);
  return assign(most, choose(nan === no ? keeps : anyOf(keeps, nan), most, value));
}

interface Maps {
  readonly data: Source;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly scale: LExpr;
  /** An element by channel, row and column of the image that `image` is; 0 unless `there` is such an image. */
  read(there: LExpr, image: LExpr, c: LExpr, y: LExpr, x: LExpr): LExpr;
}

/** Calls `body` for every region, place and channel; `at` is the result's position. */
function overRegions(
  context: NestContext,
  ofRegion: (
    maps: Maps,
    roi: readonly LExpr[],
    steps: Steps,
  ) => (ph: LExpr, pw: LExpr, steps: Steps) => (c: LExpr, put: (value: LExpr) => Stmt) => Stmt,
): Stmt {
  const [data, rois] = [sourceAt(context, 0), sourceAt(context, 1)];
  const result = placeAt(context, 0);
  if (rois.dtype !== 'float32' || (rois.shape[1] ?? 0) < 5) throw new Error('regions must be five float32 numbers');
  const {
    layout,
    pooled_size: size,
    spatial_scale: scale,
  } = context.attrs as { layout: string; pooled_size: readonly number[]; spatial_scale: number };
  const extent = (axis: string): number => data.shape[layout.indexOf(axis)] ?? 1;
  const [height, width, channels] = [extent('H'), extent('W'), extent('C')];
  const [outHeight = 1, outWidth = 1] = size;
  const position = (n: LExpr, c: LExpr, y: LExpr, x: LExpr, h: number, w: number): LExpr =>
    layout === 'NCHW'
      ? add(mul(add(mul(add(mul(n, channels), c), h), y), w), x)
      : add(mul(add(mul(add(mul(n, h), y), w), x), channels), c);
  const maps: Maps = {
    data,
    height,
    width,
    outHeight,
    outWidth,
    scale: f32(fround(scale)),
    read: (there, image, c, y, x) =>
      choose(there, data.at(position(image, c, y, x, height, width)), constantOf(data.dtype, 0)),
  };
  const [count = 0, columns = 5] = rois.shape;
  return loop('n', count, (n) => {
    const outer = new Steps();
    const roi = [0, 1, 2, 3, 4].map((k) => outer.of('roi', rois.at(add(mul(n, columns), k))));
    const ofPlace = ofRegion(maps, roi, outer);
    return block(
      outer.statements,
      loop('y', outHeight, (ph) =>
        loop('x', outWidth, (pw) => {
          const inner = new Steps();
          const ofChannel = ofPlace(ph, pw, inner);
          const each = loop('c', channels, (c) =>
            ofChannel(c, (value) => result.put(position(n, c, ph, pw, outHeight, outWidth), value)),
          );
          return block(inner.statements, each);
        }),
      ),
    );
  });
}

/** The image that a region is of, and whether there is one. */
function imageOf({ data }: Maps, batch: LExpr, steps: Steps): readonly [LExpr, LExpr] {
  const there = allOf(compare('gt', batch, -1), compare('lt', batch, data.shape[0] ?? 1));
  const known = local('there', 'bool');
  steps.statements.push(declare(known, there));
  return [known, steps.index('image', batch)];
}

const roiAlign: Nest = (context) => {
  if (sourceAt(context, 0).dtype !== 'float32') throw new Error('feature maps must be float32');
  const ratio = Number(context.attrs['sample_ratio']);
  const greatestOf = context.attrs['mode'] === 'max';
  return overRegions(context, (maps, [batch, left, top, right, bottom], steps) => {
    const { height, width, outHeight, outWidth, scale } = maps;
    const [there, image] = imageOf(maps, batch as LExpr, steps);
    const x0 = steps.of('left', times(left as LExpr, scale));
    const y0 = steps.of('top', times(top as LExpr, scale));
    const binH = steps.of('bin_h', over(greatest(sub(times(bottom as LExpr, scale), y0), f32(1)), f32(outHeight)));
    const binW = steps.of('bin_w', over(greatest(sub(times(right as LExpr, scale), x0), f32(1)), f32(outWidth)));
    const rows = ratio > 0 ? constantOf('index', ratio) : steps.index('rows', unary('ceil', binH));
    const columns = ratio > 0 ? constantOf('index', ratio) : steps.index('columns', unary('ceil', binW));
    return (ph, pw, place) => {
      const startY = place.of('start_y', add(y0, times(real(ph), binH)));
      const startX = place.of('start_x', add(x0, times(real(pw), binW)));
      return (c, put) => {
        const [total, value] = [local('total', 'float32'), local('value', 'float32')];
        const sample = (start: LExpr, i: LExpr, bin_: LExpr, count: LExpr): LExpr =>
          add(start, over(times(add(real(i), f32(0.5)), bin_), real(count)));
        const inside = (y: LExpr, x: LExpr): Stmt => {
          const at = new Steps();
          const within = (v: LExpr, size: number): LExpr => least(greatest(v, f32(0)), f32(size - 1));
          const [row, column] = [at.of('row', within(y, height)), at.of('column', within(x, width))];
          const [ya, xa] = [at.index('ya', unary('floor', row)), at.index('xa', unary('floor', column))];
          const [yb, xb] = [
            at.index('yb', least(add(ya, 1), height - 1)),
            at.index('xb', least(add(xa, 1), width - 1)),
          ];
          const [v, u] = [at.of('v', sub(row, real(ya))), at.of('u', sub(column, real(xa)))];
          const mixed = (line: LExpr): LExpr =>
            add(
              times(maps.read(there, image, c, line, xa), sub(f32(1), u)),
              times(maps.read(there, image, c, line, xb), u),
            );
          const [above, below] = [at.of('above', mixed(ya)), at.of('below', mixed(yb))];
          return block(at.statements, assign(value, add(times(above, sub(f32(1), v)), times(below, v))));
        };
        const [y, x] = [local('at_y', 'float32'), local('at_x', 'float32')];
        const outside = anyOf(
          compare('lt', y, -1),
          compare('lt', x, -1),
          compare('gt', y, height),
          compare('gt', x, width),
        );
        const samples = loop('i', rows, (i) =>
          block(
            declare(y, sample(startY, i, binH, rows)),
            loop('j', columns, (j) =>
              block(
                declare(x, sample(startX, j, binW, columns)),
                declare(value, f32(0)),
                when(outside, assign(value, f32(0)), inside(y, x)),
                greatestOf ? raised(total, value) : assign(total, add(total, value)),
              ),
            ),
          ),
        );
        const count = times(real(rows), real(columns));
        return block(
          declare(total, f32(greatestOf ? -Infinity : 0)),
          samples,
          put(greatestOf ? total : choose(compare('gt', count, 0), over(total, count), f32(0))),
        );
      };
    };
  });
};

const roiPool: Nest = (context) => {
  const { dtype } = sourceAt(context, 0);
  const lowest = isFloat(dtype) ? -Infinity : (integerRange(dtype)?.min ?? 0n);
  if (!dtypeInfo(dtype)) throw new Error('no numbers');
  // Borders of places that fall on an element must not move it to the neighbour by rounding.
  const margin = f32(fround(1e-5));
  return overRegions(context, (maps, [batch, left, top, right, bottom], steps) => {
    const { height, width, outHeight, outWidth, scale } = maps;
    const [there, image] = imageOf(maps, batch as LExpr, steps);
    const side = (start: LExpr, end: LExpr, places: number): readonly [LExpr, LExpr] => {
      const first = steps.of('first', unary('round', times(start, scale)));
      const length = add(sub(unary('round', times(end, scale)), first), f32(1));
      return [first, steps.of('extent', over(greatest(length, f32(1)), f32(places)))];
    };
    const [firstY, extentY] = side(top as LExpr, bottom as LExpr, outHeight);
    const [firstX, extentX] = side(left as LExpr, right as LExpr, outWidth);
    return (ph, pw, place) => {
      const within = (v: LExpr, size: number): LExpr => least(greatest(v, f32(0)), f32(size));
      const border = (first: LExpr, extent: LExpr, i: LExpr, size: number, low: boolean): LExpr => {
        const edge = times(real(i), extent);
        const moved = low ? unary('floor', add(edge, margin)) : unary('ceil', sub(edge, margin));
        return place.index(low ? 'start' : 'end', within(add(moved, first), size));
      };
      const [ya, yb] = [border(firstY, extentY, ph, height, true), border(firstY, extentY, add(ph, 1), height, false)];
      const [xa, xb] = [border(firstX, extentX, pw, width, true), border(firstX, extentX, add(pw, 1), width, false)];
      const [rows, columns] = [place.index('rows', sub(yb, ya)), place.index('columns', sub(xb, xa))];
      return (c, put) => {
        const [most, value] = [local('most', dtype), local('value', dtype)];
        return block(
          declare(most, constantOf(dtype, 0)),
          when(
            allOf(compare('gt', rows, 0), compare('gt', columns, 0)),
            block(
              assign(most, constantOf(dtype, lowest)),
              loop('i', rows, (i) =>
                loop('j', columns, (j) =>
                  block(declare(value, maps.read(there, image, c, add(ya, i), add(xa, j))), raised(most, value)),
                ),
              ),
            ),
          ),
          put(most),
        );
      };
    };
  });
};

/** Offsets and anchors to boxes: `vision.multibox_transform_loc`. */
const transformLoc: Nest = (context) => {
  const [scores, offsets, anchors] = [0, 1, 2].map((i) => sourceAt(context, i)) as [Source, Source, Source];
  const [detections, counts] = [placeAt(context, 0), placeAt(context, 1)] as [Place, Place];
  if ([scores, offsets, anchors].some((s) => s.dtype !== 'float32'))
    throw new Error('boxes and scores must be float32');
  const { clip, threshold, variances } = context.attrs as {
    clip: boolean;
    threshold: number;
    variances: readonly number[];
  };
  const [batch = 0, classes = 0, count = 0] = scores.shape;
  if (offsets.count < batch * count * 4 || anchors.count < 4 * count) throw new Error('too few anchors');
  const [found, score, cls] = [local('found', 'index'), local('score', 'float32'), local('cls', 'index')];
  const value = local('value', 'float32');
  const kept = (x: LExpr): LExpr => (clip ? greatest(f32(0), least(f32(1), x)) : x);
  const box = (b: LExpr, j: LExpr): Stmt => {
    const s = new Steps();
    const [left, top, right, bottom] = [0, 1, 2, 3].map((k) => s.of('corner', anchors.at(add(mul(j, 4), k)))) as [
      LExpr,
      LExpr,
      LExpr,
      LExpr,
    ];
    const [px, py, pw, ph] = [0, 1, 2, 3].map((k) =>
      s.of('offset', times(offsets.at(add(mul(add(mul(b, count), j), 4), k)), f32(fround(variances[k] ?? 1)))),
    ) as [LExpr, LExpr, LExpr, LExpr];
    const [width, height] = [s.of('width', sub(right, left)), s.of('height', sub(bottom, top))];
    const half = (a: LExpr): LExpr => over(a, f32(2));
    const [x, y] = [
      s.of('x', add(times(px, width), half(add(left, right)))),
      s.of('y', add(times(py, height), half(add(top, bottom)))),
    ];
    const [w, h] = [s.of('w', half(times(unary('exp', pw), width))), s.of('h', half(times(unary('exp', ph), height)))];
    const row = [real(sub(cls, 1)), score, kept(sub(x, w)), kept(sub(y, h)), kept(add(x, w)), kept(add(y, h))];
    const at = add(mul(b, count), found);
    return block(
      s.statements,
      ...row.map((v, k) => detections.put(add(mul(at, 6), k), v)),
      assign(found, add(found, 1)),
    );
  };
  const anchor = (b: LExpr, j: LExpr): Stmt =>
    block(
      declare(score, f32(-1)),
      declare(cls, 0),
      loop('k', Math.max(0, classes - 1), (k) =>
        block(
          declare(value, scores.at(add(mul(add(mul(b, classes), add(k, 1)), count), j))),
          when(compare('gt', value, score), block(assign(score, value), assign(cls, add(k, 1)))),
        ),
      ),
      when(allOf(compare('gt', cls, 0), compare('ge', score, f32(fround(threshold)))), box(b, j)),
    );
  return block(
    fill(detections, f32(0)),
    loop('b', batch, (b) =>
      block(
        declare(found, 0),
        loop('j', count, (j) => anchor(b, j)),
        counts.put(b, found),
      ),
    ),
  );
};

export const regionNests: Readonly<Record<string, Nest>> = {
  'vision.roi_align': roiAlign,
  'vision.roi_pool': roiPool,
  'vision.multibox_transform_loc': transformLoc,
};
