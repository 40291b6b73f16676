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

// As long as a name may be, or shorter.
const TITLES = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"q" \\ \\" \'s\' `b` &lt;b&gt;',
  '\u202eltr \u2067rtl\u2069',
  'مرحبا hi שלום',
];

test('names of groups, titles and texts of messages are only texts, and as they were written', async () => {
  const quoted = (text) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  for (const viewport of [undefined, PHONE]) {
    const amy = await person('amy', { viewport });
    const group = `<b>"\\${fresh('')}\u202e שלום`;
    const line = await telnet(`#login anon ${fresh('joe')}`, `#creategroup ${quoted(group)} "" anon`, `#joingroup ${quoted(group)}`);
    for (const title of TITLES) line.send(`#postmessage ${quoted(title)} 0 ${TEXTS.length}`, ...TEXTS);
    await line.hear(new RegExp(`(@status 0\\s+){${3 + TITLES.length}}`));
    await amy.page.click('nav [data-go=groups]');
    await place(amy.page, 'groups', group).locator('.place').click();
    await amy.page.locator('#board .post').nth(TITLES.length - 1).waitFor();
    assert.equal(await amy.page.locator('#board-title').textContent(), group);
    assert.deepEqual(await amy.page.locator('#board .post-name').allTextContents(), [...TITLES].reverse());
    for (let i = 0; i < TITLES.length; i += 1) {
      await amy.page.locator('#board .post-head').nth(i).click();
      await amy.page.locator('#board .post-text').nth(i).waitFor();
    }
    const texts = await amy.page.locator('#board .post-text').allTextContents();
    assert.deepEqual(texts, TITLES.map(() => TEXTS.join('\n')));
    await amy.page.locator('#board').getByRole('button', { name: 'Reply' }).last().click();
    assert.equal(await amy.page.getByLabel('Title').inputValue(), `Re: ${TITLES[0]}`);
    assert.equal(await amy.page.locator('#board :is(script, img, b), #groups :is(script, img, b)').count(), 0);
    assert.match(await amy.page.title(), /Chatter$/);
    const [wanted, given] = await amy.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wanted <= given, `nothing sticks out: ${wanted} of ${given}`);
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
