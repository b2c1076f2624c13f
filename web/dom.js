// Small helpers for building the page. Text is only ever set as text.

/** The element with that id. */
export const byId = (id) => document.getElementById(id);

/** Makes an element; properties are set as such, children are nodes or text. */
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-')) node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

/** A picture of icons.svg; whoever shows it gives it a name. */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', 'icons.svg#' + name);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

/** Shows text in an element, or hides it when there is none. */
export function show(node, text) {
  node.hidden = !text;
  if (node.textContent !== text) node.textContent = text ?? '';
}

/** Tells something to those who can't see it happen. */
export const announce = (text) => { byId('news').textContent = text; };

/**
 * Asks a question in a dialog. With a value it asks for text and resolves to
 * that, else to true; to null when the user cancels.
 */
export function ask(title, yes, value) {
  const dialog = byId('ask');
  const input = byId('ask-value');
  byId('ask-title').textContent = title;
  byId('ask-yes').textContent = yes;
  byId('ask-label').hidden = value === undefined;
  input.value = value ?? '';
  dialog.returnValue = 'no';
  dialog.showModal();
  if (value !== undefined) input.select();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const agreed = dialog.returnValue === 'yes';
      resolve(agreed ? (value === undefined ? true : input.value.trim() || null) : null);
    }, { once: true });
  });
}
