import { makeDispatch, type RouteHandler, type RouteHandlers } from '#api/edge/makeDispatch.ts';
import type { FileIntake } from '#core/files/ports.ts';
import { createFile } from './createFile.ts';
import { deleteFile, listFiles, retrieveFile } from './fileRecords.ts';
import { readFileContent, readFileReport } from './readFile.ts';
import { completeFileUpload, createFileUpload } from './uploads.ts';

export type FileRouteHandler = RouteHandler<FileIntake>;

const HANDLERS: RouteHandlers<'files', FileIntake> = {
  createFile,
  listFiles,
  createFileUpload,
  retrieveFile,
  deleteFile,
  readFileContent,
  readFileReport,
  completeFileUpload,
};

/** Serves the routes of the function `files`. */
export const dispatchFiles = makeDispatch<FileIntake>(HANDLERS);
