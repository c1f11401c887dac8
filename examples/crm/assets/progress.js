// Asks how far a task is until it is over, and then shows the page again.
const task = document.getElementById("task");
const bar = document.getElementById("bar");
const state = document.getElementById("state");

async function look() {
  try {
    const answer = await fetch(task.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const now = await answer.json();
      if (now.finished_at !== null) {
        location.reload();
        return;
      }
      bar.max = Math.max(now.total, 1);
      bar.value = now.done;
      state.textContent = `${now.state}: ${now.done} of ${now.total}`;
    }
  } catch {
    // The server is away; it is asked again.
  }
  setTimeout(look, 700);
}

setTimeout(look, 300);
