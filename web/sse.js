// A decoder of server-sent events (HTML standard, "Interpreting an event
// stream"), because EventSource can't send an Authorization header.

/** Takes text as it arrives and gives the events that it completes. */
export class Decoder {
  #buffer = '';
  #name = '';
  #data = [];
  #first = true;
  id = ''; // of the last event

  /** Adds text; returns the [{id, name, data}] that are complete now. */
  push(text) {
    this.#buffer += text;
    if (this.#first && this.#buffer) {
      this.#buffer = this.#buffer.replace(/^\ufeff/, '');
      this.#first = false;
    }
    const events = [];
    for (let line = this.#line(); line !== null; line = this.#line()) {
      const event = this.#take(line);
      if (event) events.push(event);
    }
    return events;
  }

  // The next whole line. A CR at the very end may be half of a CRLF, so it waits
  // for what follows; the server ends its lines with LF.
  #line() {
    const end = this.#buffer.search(/[\r\n]/);
    if (end < 0 || (this.#buffer[end] === '\r' && end === this.#buffer.length - 1)) return null;
    const line = this.#buffer.slice(0, end);
    const width = this.#buffer.startsWith('\r\n', end) ? 2 : 1;
    this.#buffer = this.#buffer.slice(end + width);
    return line;
  }

  #take(line) {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.id = value;
    return null;
  }

  #dispatch() {
    const event = this.#data.length ? { id: this.id, name: this.#name || 'message', data: this.#data.join('\n') } : null;
    this.#name = '';
    this.#data = [];
    return event;
  }
}
