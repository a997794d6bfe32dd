// What a test looks at in a page of a lesson. It is one object, which `tests/browser.py` builds anew for every look, so that nothing
// of it stays in the page.
({
  // What a class sees of a screen. Left out is what is only read out once, when it changes.
  seen() {
    return {
      title: document.title,
      address: location.hash,
      html: ["header", "main", "nav"].map((name) => document.querySelector(name).outerHTML).join("\n"),
      values: [...document.querySelectorAll("main input")].map((input) => input.value),
      text: getComputedStyle(document.documentElement).fontSize,
      length: document.scrollingElement.scrollHeight,
      dark: !document.getElementById("blank").hidden,
      help: document.getElementById("help").open,
      full: document.fullscreenElement !== null,
    };
  },

  // Everything in the page that could tell a person something: all text, drawn or not, and what is read out or shown on pointing.
  told() {
    const named = ["aria-label", "aria-valuetext", "aria-description", "alt", "title", "placeholder", "value", "id", "href"];
    const texts = [...document.querySelectorAll("body *:not(script)")].flatMap((node) => [
      ...[...node.childNodes].filter((each) => each.nodeType === Node.TEXT_NODE).map((each) => each.data),
      ...named.map((name) => node.getAttribute(name)),
    ]);
    return [document.title, document.body.innerText, ...texts].filter((text) => text?.trim());
  },

  // Draws the present screen from data in which nothing is left that is not known on it: a list of what may be known, not of what may not.
  withoutFuture() {
    const here = lesson.screens[state.screen];
    const shown = lesson.screens.slice(0, state.screen + 1);
    const steps = lesson.steps.slice(0, here.upto);
    const past = steps.map((step) => step.event);
    const named = steps.flatMap((step) => step.why.map(([, values]) => values.event ?? values.by)); // by the reasons for what has happened
    const put = shown.map((screen) => screen.choice);
    const mornings = shown.map((screen) => screen.outlook);
    const only = (all, kept) => Object.fromEntries(Object.entries(all).filter(([key]) => kept.includes(key)));
    const always = ["version", "name", "hash", "n", "seed", "options", "title", "period", "actors", "statuses", "actions", "missions", "unit", "mild", "ways"];
    const known = {
      ...only(lesson, always),
      steps,
      events: only(lesson.events, [...past, ...named]),
      choices: only(lesson.choices, put),
      outlook: only(lesson.outlook, [lesson.period[0], ...mornings]),
      asked: here.kind === "guess" ? { text: lesson.asked.text, options: lesson.asked.options } : undefined,
      screens: [...shown, ...lesson.screens.slice(shown.length).map(() => ({}))],
    };
    const whole = { ...lesson };
    for (const key of Object.keys(lesson)) delete lesson[key];
    Object.assign(lesson, known);
    draw(true);
    const found = this.seen();
    Object.assign(lesson, whole);
    draw(true);
    return found;
  },

  // What is wrong with how a screen is laid out, each fault in words; `least` is the smallest size of text in pixels.
  faults(least) {
    const found = new Set();
    const page = document.scrollingElement;
    const column = getComputedStyle(document.getElementById("picture")).overflowY === "visible"; // a page as long as it needs to be
    if (page.scrollWidth > innerWidth) found.add(`the page scrolls sideways by ${page.scrollWidth - innerWidth}`);
    if (!column && page.scrollHeight > innerHeight) found.add(`the page is longer than the window by ${page.scrollHeight - innerHeight}`);

    const clips = (node) => {
      for (let box = node; box && box !== document.body; box = box.parentElement) {
        const { overflowX } = getComputedStyle(box);
        if (box.id === "title" || ["auto", "scroll"].includes(overflowX)) return null; // ends in dots, and stands in full on the first screen; scrolls
        if (overflowX !== "visible" && box.tagName !== "text") return box;
      }
      return document.documentElement;
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const [{ data }, node] = [walker.currentNode, walker.currentNode.parentElement];
      if (!data.trim() || !node.checkVisibility() || node.closest("script, noscript, #spoken")) continue;
      const size = parseFloat(getComputedStyle(node).fontSize) * (node.getScreenCTM?.().a ?? 1);
      if (size < least - 0.1) found.add(`text of ${size.toFixed(1)} px: ${data}`);
      const [frame, range] = [clips(node)?.getBoundingClientRect(), document.createRange()];
      range.selectNodeContents(walker.currentNode);
      for (const { left, right } of frame ? range.getClientRects() : []) {
        if (left < frame.left - 2 || right > frame.right + 2) found.add(`cut at the side: ${data}`);
      }
    }

    for (const chart of document.querySelectorAll("svg")) {
      const frame = chart.getBoundingClientRect();
      const texts = [...chart.querySelectorAll("text")].map((node) => {
        const { left, right, top, bottom } = node.getBoundingClientRect();
        const [middle, half] = [(top + bottom) / 2, 0.36 * parseFloat(node.getAttribute("font-size"))]; // of capitals, without the air around them
        return { text: node.textContent, left, right, top: middle - half, bottom: middle + half };
      });
      texts.forEach((one, place) => {
        if (one.top < frame.top - 1 || one.bottom > frame.bottom + 1) found.add(`beyond the chart: ${one.text}`);
        for (const other of texts.slice(0, place)) {
          const [wide, high] = [Math.min(one.right, other.right) - Math.max(one.left, other.left), Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top)];
          if (wide > 1 && high > 1) found.add(`over one another: ${other.text} | ${one.text}`);
        }
      });
      const box = chart.closest("#picture");
      if (box && !column && box.scrollHeight > box.clientHeight + 1) found.add(`the picture must be scrolled by ${box.scrollHeight - box.clientHeight}`);
      if (box && box.scrollWidth > box.clientWidth + 1) found.add(`the picture must be scrolled sideways by ${box.scrollWidth - box.clientWidth}`);
    }
    const talk = document.getElementById("talk");
    if (talk.scrollWidth > talk.clientWidth + 1) found.add(`the talk must be scrolled sideways by ${talk.scrollWidth - talk.clientWidth}`);
    return [...found];
  },

  // By how much the words beside the picture must be scrolled.
  hidden() {
    const talk = document.getElementById("talk");
    return Math.max(0, talk.scrollHeight - talk.clientHeight - 1);
  },
})
