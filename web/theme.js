// Runs before the page is drawn, and therefore is no module: colours must not flash. What it sets,
// `view-theme.js` keeps current.
try {
  const theme = JSON.parse(localStorage.getItem('chatter.theme'));
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Without a memory the system's colours are right.
}
