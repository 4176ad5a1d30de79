// Saves the draft as it is drawn, one request at a time. What somebody else saved meanwhile is never written over unasked.
const REST_MS = 600;
const AGAIN_MS = 5000;

export class Saving extends EventTarget {
  constructor(store, { url, revision }) {
    super();
    this.store = store;
    this.url = url;
    this.revision = revision;
    this.state = "saved";
    this.saved = JSON.stringify(store.graph);
    store.addEventListener("change", ({ detail }) => detail === "graph" && this.#changed());
    addEventListener("beforeunload", (event) => {
      if (this.isPending) event.preventDefault();
    });
  }

  get isPending() {
    return JSON.stringify(this.store.graph) !== this.saved;
  }

  #tell(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  #changed() {
    if (this.state === "conflict" || !this.isPending) return;
    this.#tell("waiting");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), REST_MS);
  }

  // Saves what is not yet saved; false if that cannot be done now.
  async flush() {
    clearTimeout(this.timer);
    if (this.running) await this.running;
    if (this.state === "conflict") return false;
    if (!this.isPending) {
      this.#tell("saved");
      return true;
    }
    this.running = this.#send();
    const isSaved = await this.running;
    this.running = null;
    if (isSaved && this.isPending) this.#changed();
    return isSaved && !this.isPending;
  }

  async #send() {
    const text = JSON.stringify(this.store.graph);
    this.#tell("saving");
    let answer;
    try {
      answer = await fetch(this.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("meta[name='csrf-token']").content },
        body: JSON.stringify({ graph: this.store.graph, revision: this.revision }),
      });
    } catch {
      return this.#later();
    }
    if (answer.status === 409) {
      this.theirs = await answer.json();
      this.#tell("conflict");
      return false;
    }
    if (answer.status >= 500 || answer.status === 429) return this.#later();
    if (!answer.ok) {
      this.refusal = (await answer.json().catch(() => ({}))).message ?? String(answer.status);
      this.#tell("refused");
      return false;
    }
    // A page to log in again is no answer.
    const told = await answer.json().catch(() => null);
    if (told === null) return this.#later();
    this.revision = told.revision;
    this.saved = text;
    this.#hear(told);
    this.#tell("saved");
    return true;
  }

  #later() {
    this.#tell("offline");
    this.timer = setTimeout(() => this.flush(), AGAIN_MS);
    return false;
  }

  #hear({ faults, outs, rules }) {
    const { store } = this;
    const isNew = JSON.stringify([faults, outs, rules]) !== JSON.stringify([store.faults, store.serverOuts, store.ruleWords]);
    store.faults = faults;
    store.serverOuts = outs;
    store.ruleWords = rules;
    if (isNew) store.tell("faults");
  }

  keepMine() {
    this.revision = this.theirs.revision;
    this.state = "waiting";
    return this.flush();
  }

  // Theirs comes in as a change: undoing it brings mine back.
  takeTheirs() {
    const { graph, revision } = this.theirs;
    this.revision = revision;
    this.saved = JSON.stringify(graph);
    this.state = "saved";
    this.store.replace(graph);
    this.saved = null;
    return this.flush();
  }
}
