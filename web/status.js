// What to tell a person instead of a status number. One number means different things in different
// places, so a place may have sentences of its own.

import { LOST } from './queue.js';

export const WRONG_PASSWORD = 3002;
export const NAME_IN_USE = 3003;
export const NAME_OF_ACCOUNT = 3004;
export const NO_SUCH_ACCOUNT = 3001;
export const NOT_FOUND = -3;
export const ROOM_PASSWORD = 3101;
export const GROUP_PASSWORD = 3201;
export const NO_ANONYMOUS = 3501;
export const NO_GROUP = 3200;

const GENERAL = {
  [LOST]: 'The connection was lost before the answer came.',
  '-1': 'The server did not understand that.',
  '-2': 'The server has no room for more right now. Please try again later.',
  '-3': 'That is not there any more.',
  '-4': 'That cannot be a name: it has 1 to 30 bytes, and is not only blanks.',
  '-5': 'Somebody is still in there.',
  3000: 'The server wants to know how you log in.',
  3001: 'There is no account of that name.',
  3002: 'That is not the password of this account.',
  3003: 'Somebody who is here already uses that name. Please take another one.',
  3004: 'That name belongs to an account. Take another one, or log in with its password.',
  3100: 'That room is not there any more.',
  3101: 'That is not the password of this room.',
  3102: 'There is already a room of that name.',
  3103: 'Only the owner can do that.',
  3200: 'You are in no group. Join one first.',
  3201: 'That is not the password of this group.',
  3500: 'You have to log in first.',
  3501: 'That is only for people with an account.',
  3502: 'This server does not know how to do that.',
  3503: 'Its time is over; it is just being removed.',
};

const SPECIAL = {
  login: {
    '-4': 'A name has no blanks, 1 to 30 bytes, and of other signs only _ - . [ ] { } ^ | ~ ` \'',
  },
  account: {
    '-4': 'A name has no blanks and 1 to 30 bytes; a password, a real name and an e-mail address have 1 to 64 bytes each.',
    3004: 'There is already an account of that name. Log in with its password, or take another name.',
    3501: 'This server does not let people make accounts by themselves. Ask whoever runs it.',
  },
  password: {
    '-4': 'A password has 1 to 64 bytes.',
    3002: 'The old password is wrong.',
  },
  room: {
    3501: 'You cannot enter this room: it is for people with an account, or its owner has sent you out.',
    '-5': 'Somebody is still in this room. It can be removed when it is empty.',
  },
  makeRoom: {
    3501: 'On this server only people with an account can make rooms.',
  },
  group: {
    '-3': 'That group is not there any more.',
    '-5': 'Somebody is still in this group. It can be removed when it is empty.',
    3501: 'This group is only for people with an account.',
  },
  makeGroup: {
    '-4': 'There is already a group of that name, or it cannot be a name: it has 1 to 30 bytes, and is not only blanks.',
    3501: 'On this server only people with an account can make groups.',
  },
  message: {
    '-3': 'That message is not there any more.',
    '-4': 'A title has 1 to 30 bytes, and is not only blanks.',
    3103: 'Only who posted a message, or owns the group, can remove it.',
  },
  person: {
    '-3': 'That person is not in this room now. Private messages reach only people in the same room.',
    3103: 'Only the owner of a room can send people out.',
  },
  text: {
    '-1': 'There is nothing in it to send.',
  },
};

export function sentence(status, place) {
  return SPECIAL[place]?.[status] ?? GENERAL[status] ?? `The server refused (${status}).`;
}
