import type { Command } from 'commander';

// Options that several commands take, each said in the same words.

export const reasonOption = (command: Command): Command =>
  command.option('--reason <text>', 'why, for the audit log');

export type Page = { readonly limit?: string; readonly cursor?: string };
export const pageOptions = (command: Command): Command =>
  command
    .option('--limit <count>', 'how many to show, at most 100', '20')
    .option('--cursor <cursor>', 'where the page before ended');
