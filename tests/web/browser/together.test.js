// Somebody on a phone and somebody in telnet, from the first hello to a discussion with replies.

import assert from 'node:assert/strict';
import test from 'node:test';
import { PHONE, enterRoom, fresh, makeRoom, person, place, row, say, someone, telnet, useBrowser } from './support.js';

useBrowser();

test('a phone and a telnet talk in public and alone, share a private room and discuss in a group', async () => {
  const amy = await person('amy', { viewport: PHONE });
  const { page } = amy;
  const go = (view) => page.click(`nav [data-go=${view}]`);
  const joe = fresh('joe');
  const line = await telnet(`#login anon ${joe}`);

  // In public, in Home.
  const greeting = fresh('hello');
  line.send(`#broadcast ${greeting} from telnet`);
  await row(page, `${greeting} from telnet`).waitFor();
  await say(page, `${greeting} from the phone`);
  await line.hear(new RegExp(`@mess #broadcast ${amy.name} "${greeting} from the phone"`));

  // Alone: the phone begins, telnet answers.
  await go('people');
  await someone(page, joe).locator('.person').click();
  await someone(page, joe).getByText('Write privately').click();
  await say(page, 'shall we go elsewhere?');
  await line.hear(new RegExp(`@mess #sendto ${amy.name} "shall we go elsewhere\\?"`));
  line.send(`#sendto ${amy.name} you make the room`);
  await row(page, 'you make the room').waitFor();

  // A private room that the phone makes and telnet enters, and one the other way round.
  const room = fresh('den');
  await makeRoom(page, room, 'secret');
  line.send(`#changeroom ${room}`);
  await line.hear(/@status 3101/);
  line.send(`#changeroom ${room} secret`, '#broadcast here I am');
  await row(page, 'here I am').waitFor();
  await say(page, 'nobody else is');
  await line.hear(new RegExp(`@mess #broadcast ${amy.name} "nobody else is"`));
  const second = fresh('loft');
  line.send(`#createroom ${second} key`, `#changeroom ${second} key`);
  await go('rooms');
  await place(page, 'rooms', second).waitFor();
  await enterRoom(page, second, 'key');
  await page.locator('#talk-title', { hasText: second }).waitFor();
  await say(page, 'up here');
  await line.hear(new RegExp(`@mess #broadcast ${amy.name} "up here"`));

  // A group: telnet posts, the phone replies, telnet reads the reply and replies to it.
  const group = fresh('plans');
  line.send(`#creategroup ${group} "" anon`, `#joingroup ${group}`, '#postmessage "A trip" 0 2', 'To the sea?', 'Or the hills?');
  await go('groups');
  await place(page, 'groups', group).locator('.place').click();
  const post = (title) => page.locator('#board .post', { hasText: title });
  await post('A trip').locator('.post-head').click();
  await page.locator('.post-text', { hasText: 'Or the hills?' }).waitFor();
  await page.getByRole('button', { name: 'Reply' }).click();
  await page.getByLabel('Text').fill('The sea.\nOn Sunday.');
  await page.getByRole('button', { name: 'Post reply' }).click();
  await post('A trip').locator('.facts', { hasText: '1 reply' }).waitFor();
  line.send('#listmessages');
  await line.hear(new RegExp(`"A trip" ${joe} 1 0 1 \\d+\\r\\n"Re: A trip" ${amy.name} 2 1 0 0`));
  line.send('#getmessage 2');
  await line.hear(/@ret #getmessage "Re: A trip" 2 2 1 0 0\r\nThe sea\.\r\nOn Sunday\.\r\n/);
  line.send('#postmessage "Re: Re: A trip" 2 1', 'Good.');
  await post('Re: Re: A trip').locator('.post-head').click();
  await page.locator('.post-text', { hasText: 'Good.' }).waitFor();
  assert.equal(await page.locator('#board .post.depth-2').count(), 1);
  line.end();
  await amy.close();
});
