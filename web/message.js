// One message on the page.

import { el, icon, show } from './dom.js';
import { listOf } from './file.js';
import { render, copyText } from './render.js';

const FINISH = { length: 'The answer was cut: it reached its greatest length.', cancelled: 'Stopped.' };

/** Whether nothing more will happen to a message. */
export const ended = (m) => m.role === 'user' || ['done', 'failed', 'cancelled'].includes(m.status);

/** The node of one message; update it as the message changes. */
export class MessageView {
  /** siblings: ids of the versions; on: {edit, regenerate, rate, select}. */
  constructor(message, siblings, on) {
    this.message = message;
    this.on = on;
    this.body = el('div', { className: 'body' });
    this.note = el('p', { className: 'note', hidden: true });
    this.tools = el('div', { className: 'tools' });
    this.node = el('article', { className: 'message ' + message.role, id: 'm-' + message.message_id,
      'aria-label': message.role === 'user' ? 'You' : 'Parley' }, this.body, this.note, this.tools);
    if (message.attachments?.length) this.node.prepend(listOf(message.attachments));
    this.update(message, siblings);
  }

  /** Shows the message as it is now. */
  update(message, siblings) {
    this.message = message;
    this.siblings = siblings;
    this.node.setAttribute('aria-busy', String(!ended(message)));
    if (message.role === 'user') show(this.body, message.text);
    else if (ended(message)) this.#draw(message.text);
    else this.text(message.text);
    this.remark(this.#remark());
    this.tools.replaceChildren(...(ended(message) ? this.#tools() : []));
  }

  /** Shows an answer's text so far, at most once a frame. */
  text(text) {
    this.latest = text;
    this.frame ??= requestAnimationFrame(() => this.#draw(this.latest));
  }

  // A whole answer doesn't wait for a frame, which a hidden tab may never get.
  #draw(text) {
    cancelAnimationFrame(this.frame);
    this.frame = undefined;
    render(this.body, text);
    this.on.drawn();
  }

  /** Shows a line beneath the text. */
  remark(text) { show(this.note, text); }

  #remark() {
    const { status, error, finish_reason, text } = this.message;
    if (error) return error.detail;
    if (status === 'cancelled') return FINISH.cancelled;
    if (this.message.role === 'assistant' && !ended(this.message) && !text) return 'Thinking…';
    return FINISH[finish_reason] ?? '';
  }

  #tools() {
    const tools = this.siblings.length > 1 ? [this.#versions()] : [];
    if (this.message.role === 'user') {
      tools.push(this.#tool('Edit', 'Edit this question', () => this.on.edit(this.message)));
      return tools;
    }
    if (this.message.text) {
      const copy = this.#tool('Copy', 'Copy this answer', () => copyText(this.message.text, copy));
      tools.push(copy);
    }
    tools.push(this.#tool('Regenerate', 'Ask for another answer', () => this.on.regenerate(this.message)));
    if (this.message.status === 'done') tools.push(this.#thumb('up', 'Good answer'), this.#thumb('down', 'Bad answer'));
    return tools;
  }

  #tool(face, title, fn) {
    const button = el('button', { type: 'button', title }, face);
    button.addEventListener('click', fn);
    return button;
  }

  #thumb(rating, title) {
    const button = this.#tool(icon(rating), title, () => this.on.rate(this.message, rating));
    button.setAttribute('aria-label', title);
    button.setAttribute('aria-pressed', String(this.message.feedback?.rating === rating));
    return button;
  }

  #versions() {
    const at = this.siblings.indexOf(this.message.message_id);
    const go = (sign, title, to) => {
      const button = this.#tool(sign, title, () => this.on.select(this.siblings[to]));
      button.setAttribute('aria-label', title);
      button.disabled = to < 0 || to >= this.siblings.length;
      return button;
    };
    return el('span', { className: 'versions' }, go('‹', 'Earlier version', at - 1),
      el('span', {}, `${at + 1} of ${this.siblings.length}`), go('›', 'Later version', at + 1));
  }
}
