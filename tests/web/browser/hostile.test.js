// Names and texts that would like to be something else.

import assert from 'node:assert/strict';
import test from 'node:test';
import { PHONE, fresh, makeRoom, person, place, row, say, someone, telnet, useBrowser, enterRoom } from './support.js';

useBrowser();

const TEXTS = [
  '<script>document.title="owned"</script>',
  '<img src=x onerror=alert(1)>',
  '"quoted" \\ and \\"escaped\\" \'single\' `back`',
  '&lt;b&gt; &amp; ${1+1} {{1}}',
  '\u202egnirts desrever \u2067rtl\u2069',
  'مرحبا بالعالم hello שלום',
  '@status 0',
  '  leading and trailing  ',
  'Z\u0351\u0352\u0353\u0357\u034d\u0348\u0347a\u0321l\u0322g\u0323o',
];

test('texts arrive as they were written, and are only texts', async () => {
  const amy = await person('amy');
  await makeRoom(amy.page, fresh('room'));
  for (const text of TEXTS) {
    await say(amy.page, text);
    await row(amy.page, text.trim()).waitFor();
  }
  assert.deepEqual(await amy.page.locator('#log .row .text').allTextContents(), TEXTS);
  assert.equal(await amy.page.locator('#log script, #log img, #log b').count(), 0);
  await amy.close();
});

test('a text of 1000 bytes is told to be too long, the longest that fits arrives whole', async () => {
  const amy = await person('amy');
  await makeRoom(amy.page, fresh('room'));
  const room = 1000 - 2 - '#broadcast ""'.length;
  await say(amy.page, 'x'.repeat(1000));
  await amy.page.getByText('15 bytes too long').waitFor();
  assert.equal(await amy.page.inputValue('#say'), 'x'.repeat(1000));
  await say(amy.page, 'x'.repeat(room));
  await row(amy.page, 'x'.repeat(room)).waitFor();
  await say(amy.page, '"'.repeat(room / 2));
  await row(amy.page, '"'.repeat(Math.floor(room / 2))).waitFor();
  assert.equal(await amy.page.locator('#trouble').isVisible(), false);
  await amy.close();
});

test('names of 30 bytes, with quotes, markup and both directions of writing, stand where they belong', async () => {
  for (const viewport of [undefined, PHONE]) {
    const amy = await person('amy', { viewport });
    const user = `${'W'.repeat(29 - fresh('').length)}${fresh('')}`;
    const room = `<b>"\\${fresh('')}\u202e שלום`;
    const quotedRoom = `"${room.replace(/["\\]/g, '\\$&')}"`;
    const line = await telnet(`#login anon ${user}`, `#createroom ${quotedRoom}`, `#changeroom ${quotedRoom}`);
    if (viewport) await amy.page.click('nav [data-go=rooms]');
    await place(amy.page, 'rooms', room).waitFor();
    await enterRoom(amy.page, room);
    line.send('#broadcast here I am');
    await row(amy.page, 'here I am').locator('.name', { hasText: user }).waitFor();
    assert.equal(await amy.page.locator('#talk-title').textContent(), room);
    const [wanted, given] = await amy.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wanted <= given, `nothing sticks out: ${wanted} of ${given}`);
    if (viewport) await amy.page.click('nav [data-go=people]');
    await someone(amy.page, user).waitFor();
    line.end();
    await amy.close();
  }
});

test('a link leads to http and https only, to a window of its own that knows nothing of this one', async () => {
  const amy = await person('amy');
  await makeRoom(amy.page, fresh('room'));
  await say(amy.page, 'see https://example.org/a?b=c#d, javascript:alert(1) and http://pi/');
  const links = amy.page.locator('#log a');
  await links.first().waitFor();
  const found = await links.evaluateAll((all) => all.map((a) => [a.getAttribute('href'), a.rel, a.target]));
  assert.deepEqual(found, [
    ['https://example.org/a?b=c#d', 'noopener noreferrer', '_blank'],
    ['http://pi/', 'noopener noreferrer', '_blank'],
  ]);
  await amy.close();
});

test('several lines are announced to become several messages', async () => {
  const amy = await person('amy');
  await makeRoom(amy.page, fresh('room'));
  await amy.page.fill('#say', 'one\ntwo');
  await amy.page.getByText('2 lines: each is sent as a message of its own').waitFor();
  await amy.page.press('#say', 'Enter');
  await row(amy.page, 'two').waitFor();
  assert.deepEqual(await amy.page.locator('#log .row .text').allTextContents(), ['one', 'two']);
  await amy.close();
});
