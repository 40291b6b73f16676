import assert from 'node:assert/strict';
import test from 'node:test';
import { fresh, person, place, someone, telnet, useBrowser } from './support.js';

useBrowser();

const post = (page, title) => page.locator('#board .post', { hasText: title });

async function makeGroup(page, name, password = '') {
  await page.click('nav [data-go=groups]');
  await page.click('#groups [data-make]');
  await page.locator('#groups .make input').first().fill(name);
  if (password) await page.locator('#groups .make [type=password]').fill(password);
  await page.click('#groups .make [type=submit]');
  await page.locator('#board-title', { hasText: name }).waitFor();
}

test('a message of several lines is posted, read and answered, and unread until then', async () => {
  const [amy, bob] = [await person('amy'), await person('bob')];
  const group = fresh('group');
  await makeGroup(amy.page, group, 'pw');
  await amy.page.getByText('Nothing has been posted here yet').waitFor();
  await amy.page.getByRole('button', { name: 'New message' }).click();
  await amy.page.getByLabel('Title').fill('Hello there');
  await amy.page.getByLabel('Text').fill('First line\n\n  "third" @status 0\n@status 0');
  await amy.page.getByRole('button', { name: 'Post', exact: true }).click();
  await post(amy.page, 'Hello there').waitFor();
  assert.equal(await amy.page.locator('.dot:visible').count(), 0, 'one\'s own message is not unread');

  await bob.page.click('nav [data-go=groups]');
  await place(bob.page, 'groups', group).locator('.place').click();
  await place(bob.page, 'groups', group).locator('[type=password]').fill('nope');
  await place(bob.page, 'groups', group).locator('[type=submit]').click();
  await place(bob.page, 'groups', group).getByText('That is not the password of this group.').waitFor();
  await place(bob.page, 'groups', group).locator('[type=password]').fill('pw');
  await place(bob.page, 'groups', group).locator('[type=submit]').click();
  await post(bob.page, 'Hello there').locator('.dot').waitFor();
  await post(bob.page, 'Hello there').locator('.post-head').click();
  await bob.page.locator('.post-text').waitFor();
  assert.equal(await bob.page.locator('.post-text').textContent(), 'First line\n\n  "third" @status 0\n@status 0');
  await bob.page.locator('.dot:visible').waitFor({ state: 'detached' });

  await bob.page.getByRole('button', { name: 'Reply' }).click();
  assert.equal(await bob.page.getByLabel('Title').inputValue(), 'Re: Hello there');
  await bob.page.getByLabel('Text').fill('And to you');
  await bob.page.getByRole('button', { name: 'Post reply' }).click();
  await post(amy.page, 'Hello there').locator('.facts', { hasText: '1 reply' }).waitFor();
  await post(amy.page, 'Hello there').locator('.post-head').click();
  await amy.page.locator('.post.depth-1 .post-head').click();
  await amy.page.locator('.post-text', { hasText: 'And to you' }).waitFor();

  await amy.page.locator('.post.depth-0').getByRole('button', { name: 'Remove' }).click();
  await amy.page.getByText('Remove it and all replies').click();
  await amy.page.getByText('Nothing has been posted here yet').waitFor();
  await bob.page.getByText('Nothing has been posted here yet').waitFor();
  await Promise.all([amy.close(), bob.close()]);
});

test('a message whose time is over goes away by itself', async () => {
  const amy = await person('amy');
  const group = fresh('group');
  await makeGroup(amy.page, group);
  const line = await telnet(`#login anon ${fresh('joe')}`, `#joingroup ${group}`, '#postmessage Passing 0 1 5', 'soon gone', '#postmessage Staying 0 1', 'here');
  await post(amy.page, 'Passing').waitFor();
  await post(amy.page, 'Passing').waitFor({ state: 'detached', timeout: 15_000 });
  await post(amy.page, 'Staying').waitFor();
  line.end();
  await amy.close();
});

test('nothing of a group from somebody ignored is shown or counted, but what others have answered', async () => {
  const amy = await person('amy');
  const group = fresh('group');
  await makeGroup(amy.page, group);
  const [joe, eve] = [fresh('joe'), fresh('eve')];
  const unread = (count) => amy.page.locator('nav [data-go=groups] .badge', { hasText: new RegExp(`^${count} unread$`) });
  const [friend, foe] = [await telnet(`#login anon ${joe}`, `#joingroup ${group}`), await telnet(`#login anon ${eve}`, `#joingroup ${group}`)];
  const done = /(@status 0\s+){3}/;
  foe.send('#postmessage "From eve" 0 1', 'one');
  await foe.hear(done);
  friend.send('#postmessage "From joe" 0 1', 'two', '#postmessage "To eve" 1 1', 'three');
  await friend.hear(/(@status 0\s+){4}/);
  foe.send('#postmessage "To joe" 2 1', 'four', '#postmessage "Eve again" 0 1', 'five');
  await unread(5).waitFor();
  await post(amy.page, 'From joe').locator('.facts', { hasText: '1 reply' }).waitFor();

  await amy.page.click('nav [data-go=talk]');
  await someone(amy.page, eve).locator('.person').click();
  await someone(amy.page, eve).getByText('Ignore', { exact: true }).click();
  await unread(2).waitFor();
  await amy.page.click('nav [data-go=groups]');
  assert.deepEqual(await amy.page.locator('#board .post-name').allTextContents(), ['To eve', 'From joe']);
  await post(amy.page, 'From joe').locator('.facts', { hasText: 'no replies' }).waitFor();
  for (const title of ['From joe', 'To eve']) await post(amy.page, title).locator('.post-head').click();
  await unread(0).waitFor({ state: 'attached' });
  assert.deepEqual(await amy.page.locator('#board .post-text').allTextContents(), ['three', 'two']);
  assert.equal(await amy.page.getByText('Mark all read').isVisible(), false);
  friend.end();
  foe.end();
  await amy.close();
});

test('a text with a line that is too long is refused before it is sent, and nothing is cut', async () => {
  const amy = await person('amy');
  await makeGroup(amy.page, fresh('group'));
  await amy.page.getByRole('button', { name: 'New message' }).click();
  await amy.page.getByLabel('Title').fill('Long');
  await amy.page.getByLabel('Text').fill(`ok\n${'ä'.repeat(500)}`);
  await amy.page.getByText('Line 2 is 2 bytes too long').waitFor();
  await amy.page.getByLabel('Text').fill(`ok\n${'ä'.repeat(499)}\n${'x'.repeat(998)}`);
  await amy.page.getByRole('button', { name: 'Post', exact: true }).click();
  await post(amy.page, 'Long').locator('.post-head').click();
  await amy.page.locator('.post-text').waitFor();
  assert.equal((await amy.page.locator('.post-text').textContent()).length, 2 + 1 + 499 + 1 + 998);
  await amy.close();
});

test('a hundred long lines go through', async () => {
  const amy = await person('amy');
  await makeGroup(amy.page, fresh('group'));
  await amy.page.getByRole('button', { name: 'New message' }).click();
  await amy.page.getByLabel('Title').fill('Very long');
  const text = Array.from({ length: 100 }, (_, i) => String(i).padEnd(998, 'x')).join('\n');
  await amy.page.getByLabel('Text').fill(text);
  await amy.page.getByRole('button', { name: 'Post', exact: true }).click();
  await post(amy.page, 'Very long').waitFor({ timeout: 20_000 });
  await post(amy.page, 'Very long').locator('.post-head').click();
  await amy.page.locator('.post-text').waitFor();
  assert.equal(await amy.page.locator('.post-text').textContent(), text);
  await amy.close();
});
