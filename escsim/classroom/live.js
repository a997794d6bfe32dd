// Keeps a page of `escsim serve` like the file it is made from: asks once a second what the file is like now, loads the page anew when
// there is another, and shows what is wrong with the file. Nothing of that is markup: every text is set by textContent.
"use strict";
{
  // Which page this is stands in a header of it; without that (in an old browser) it is the first one that the server tells of.
  let version = performance.getEntriesByType("navigation")[0]?.serverTiming?.find((each) => each.name === "version")?.description;

  const style = {
    position: "fixed", inset: "0 0 auto 0", zIndex: "1000", maxHeight: "40vh", overflow: "auto", boxSizing: "border-box", margin: "0",
    padding: "0.75rem 1rem", background: "#fff4e5", color: "#3b1500", borderBottom: "4px solid #b3401a", font: "1rem/1.4 sans-serif",
    whiteSpace: "pre-wrap", overflowWrap: "anywhere",
  };

  const show = (text) => {
    const panel = document.querySelector(".live-problems") ?? document.createElement("div");
    if (!text) panel.remove();
    if (!text) return void (document.body.style.paddingBlockStart = "");
    panel.className = "live-problems";
    panel.setAttribute("role", "alert");
    panel.tabIndex = 0; // so that the keyboard can scroll it
    Object.assign(panel.style, style);
    if (panel.textContent !== text) panel.textContent = text; // said anew, it would be read out anew
    if (!panel.isConnected) document.body.prepend(panel);
    document.body.style.paddingBlockStart = `${panel.offsetHeight}px`; // so that nothing of the lesson is behind it
  };

  const look = async () => {
    let state;
    try {
      const answer = await fetch("/state", { signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(answer.statusText);
      state = await answer.json();
    } catch {
      return show("escsim serve has gone: what is changed in the file is not shown here any more.");
    }
    version ??= state.version;
    if (state.version !== version) return location.reload();
    const told = ({ file, line, column, message, remedy }) => `${file}:${line}:${column}: error: ${message}` + (remedy && `\n    ${remedy}`);
    show(state.problems.map(told).join("\n"));
  };

  const follow = async () => {
    if (!document.hidden) await look();
    setTimeout(follow, 1000);
  };
  follow();
}
