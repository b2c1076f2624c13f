// The messages of a chat form a tree: an edited question and a regenerated
// reply stand beside the first one. What is shown is one way through it, from a
// leaf up.

export class Tree {
  #messages = new Map();
  #children = new Map(); // parent → ids in order
  #leaf = '';

  get(id) { return this.#messages.get(id); }
  get size() { return this.#messages.size; }

  /** Adds or replaces messages. */
  add(...messages) {
    for (const message of messages) {
      if (!this.#messages.has(message.message_id)) this.#attach(message);
      this.#messages.set(message.message_id, message);
    }
  }

  #attach({ message_id, parent_id = '' }) {
    const siblings = this.#children.get(parent_id) ?? [];
    siblings.push(message_id);
    siblings.sort();
    this.#children.set(parent_id, siblings);
  }

  /** The id of the newest message; ids sort by time. */
  get newest() { return [...this.#messages.keys()].sort().at(-1) ?? ''; }

  /** The last message that is shown. */
  get leaf() { return this.#messages.has(this.#leaf) ? this.#leaf : this.newest; }

  /** Shows the way through that message, down to its newest descendant. */
  select(id) {
    let leaf = id;
    for (let next = this.#children.get(leaf); next?.length; next = this.#children.get(leaf)) leaf = next.at(-1);
    this.#leaf = leaf;
  }

  /** The messages that are shown, in order. */
  path() {
    const way = [];
    for (let m = this.get(this.leaf); m; m = this.get(m.parent_id)) way.push(m);
    return way.reverse();
  }

  /** The ids of a message and those beside it, in order. */
  siblings(id) {
    return this.#children.get(this.get(id)?.parent_id ?? '') ?? [];
  }
}
