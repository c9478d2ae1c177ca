/**
 * Recorded outputs that no evaluator can give: the program reads or leaves unwritten what lies outside of its tensors,
 * and what was recorded is whatever stood in memory there. By case, with the reason.
 */
export const undefinedReads: ReadonlyMap<string, string> = new Map([
  ['c5cbae60bb9e', '`take(mode="fast")` with indices up to 10 of 3 rows'],
  ['a6d5f55768cc', '`gather` with indices −3 … 7 of 2'],
  ['5f9135d60051', '`gather` with indices beyond the dimension'],
  ['6f5107657511', '`gather` with indices beyond the dimension'],
  ['6ef818e3a7f0', '`gather` with indices beyond the dimension'],
  ['6503ad15a0c1', '`gather_nd` with indices beyond the dimension'],
  ['66a679e1856b', '`adv_index` with indices beyond the dimension'],
  ['aafd5a3bd70a', '`unique`: what stands behind the last unique element is not written'],
  ['fd1ecadff2ec', '`nn.nll_loss` with targets −3 … 7 of 5 classes'],
  ['7d9f93a10ac0', '`vision.multibox_transform_loc`: what stands behind the last detection is not written'],
]);
