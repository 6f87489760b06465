import { Type } from 'typebox';
import { ADMINS, MANAGEMENT } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { userErrors } from './users.errors.ts';
import {
  NewUserBody,
  PasswordChange,
  PasswordResetView,
  PersonListQuery,
  PersonPage,
  ProfilePatch,
  presentPerson,
  presentReset,
  presentUser,
  toChanges,
  toProfile,
  UserListQuery,
  UserPage,
  UserParams,
  UserPatch,
  UserView,
} from './users.schemas.ts';
import type { UsersService } from './users.service.ts';

const tags = ['users'];
const NoContent = Type.Null({ description: 'Done' });

/** `/api/v1/users` */
export function createUsersRoutes(users: UsersService): HttpRoutes {
  return (app) => {
    app.get(
      '/me',
      {
        // Deleted while the request was on its way.
        config: { access: 'bearer', problems: [userErrors.user_not_found] },
        schema: {
          tags,
          operationId: 'getMe',
          summary: 'Who am I',
          description: 'The signed-in user.',
          response: { 200: UserView },
        },
      },
      async (request) => presentUser(await users.get(principalOf(request).userId)),
    );

    app.patch(
      '/me',
      {
        config: { access: 'bearer', problems: [userErrors.user_not_found] },
        schema: {
          tags,
          operationId: 'updateMe',
          summary: 'Change my profile',
          description: 'Fields that are left out stay; null clears one.',
          body: ProfilePatch,
          response: { 200: UserView },
        },
      },
      async (request) => presentUser(await users.updateProfile(principalOf(request), toProfile(request.body))),
    );

    app.post(
      '/me/password',
      {
        config: {
          access: 'bearer',
          endsAccess: true,
          sessionOnly: true,
          problems: [
            userErrors.user_not_found,
            userErrors.wrong_password,
            userErrors.too_many_wrong_passwords,
            userErrors.password_checks_busy,
          ],
        },
        schema: {
          tags,
          operationId: 'changeMyPassword',
          summary: 'Change my password',
          description:
            'Ends every session of the user, this one too: sign in anew with the new password. ' +
            'A wrong current password is 422 with code `wrong_password`; after five within 15 minutes: 429 with ' +
            '`Retry-After`.',
          body: PasswordChange,
          response: { 204: NoContent },
        },
      },
      async (request, reply) => {
        const { current_password, new_password } = request.body;
        const passwords = { currentPassword: current_password, newPassword: new_password };
        await users.changePassword(principalOf(request), passwords);
        return reply.code(204).send(null);
      },
    );

    app.get(
      '/',
      {
        config: { access: ADMINS },
        schema: {
          tags,
          operationId: 'listUsers',
          summary: 'List users',
          description:
            'Newest first unless sorted. `q` looks into e-mail, name, phone and organisation. Sort by id, email, ' +
            'full_name, organization, role, is_active, is_verified, last_login_at, created_at or updated_at.',
          querystring: UserListQuery,
          response: { 200: UserPage },
        },
      },
      async (request) => {
        const { is_active, ...query } = request.query;
        const page = await users.list({ ...query, ...defined({ isActive: is_active }) });
        return { ...page, items: page.items.map(presentUser) };
      },
    );

    app.get(
      '/directory',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listPeople',
          summary: 'Look people up',
          description:
            'For everybody who manages devices: who may own one, take care of an alert or be told of it, and who did ' +
            'something, by id. By e-mail unless sorted. `q` looks into e-mail and name. Sort by id, email, full_name or ' +
            'role. What else is known of users, `GET /users` tells those who manage them.',
          querystring: PersonListQuery,
          response: { 200: PersonPage },
        },
      },
      async (request) => {
        const { is_active, ...query } = request.query;
        const page = await users.listPeople({ ...query, ...defined({ isActive: is_active }) });
        return { ...page, items: page.items.map(presentPerson) };
      },
    );

    app.get(
      '/:user_id',
      {
        config: { access: ADMINS, problems: [userErrors.user_not_found] },
        schema: {
          tags,
          operationId: 'getUser',
          summary: 'Read a user',
          description: 'Any user that is not deleted.',
          params: UserParams,
          response: { 200: UserView },
        },
      },
      async (request) => presentUser(await users.get(request.params.user_id)),
    );

    app.post(
      '/',
      {
        config: {
          access: ADMINS,
          problems: [userErrors.email_taken, userErrors.role_not_grantable, userErrors.password_checks_busy],
        },
        schema: {
          tags,
          operationId: 'createUser',
          summary: 'Create a user',
          description:
            'The role (default USER) must be below your own; a SUPERADMIN may also make a SUPERADMIN. Where e-mail is ' +
            'sent, the user gets one to verify the address, in the language of `Accept-Language`.',
          body: NewUserBody,
          response: { 201: UserView },
        },
      },
      async (request, reply) => {
        const { email, password, role = 'USER', is_active = true } = request.body;
        const input = { email, password, role, isActive: is_active, ...toProfile(request.body) };
        const user = await users.createAs(principalOf(request), input, request.headers['accept-language']);
        return reply.code(201).send(presentUser(user));
      },
    );

    app.patch(
      '/:user_id',
      {
        config: {
          access: ADMINS,
          problems: [
            userErrors.user_not_found,
            userErrors.user_not_manageable,
            userErrors.role_not_grantable,
            userErrors.last_superadmin,
            userErrors.email_taken,
          ],
        },
        schema: {
          tags,
          operationId: 'updateUser',
          summary: 'Change a user',
          description:
            'Only users of a lower role; a SUPERADMIN also itself, unless it is the last active one (409). A new ' +
            'role counts from the next request on; deactivating ends all sessions. A new e-mail address is not verified ' +
            'unless `is_verified` says so: a mail goes there, and links that were mailed to the old one are void.',
          params: UserParams,
          body: UserPatch,
          response: { 200: UserView },
        },
      },
      async (request) =>
        presentUser(
          await users.update(
            principalOf(request),
            request.params.user_id,
            toChanges(request.body),
            request.headers['accept-language'],
          ),
        ),
    );

    app.post(
      '/:user_id/password-reset',
      {
        config: {
          access: ADMINS,
          sessionOnly: true,
          problems: [userErrors.user_not_found, userErrors.user_not_manageable, userErrors.user_inactive],
        },
        schema: {
          operationId: 'resetUserPassword',
          tags,
          summary: 'Help a user to a new password',
          description:
            'Mails a link to the user, in the language of `Accept-Language`; where no e-mail is sent, answers the link ' +
            'to hand over. It is good once and for an hour. Same rules as for changing a user; 409 `user_inactive`.',
          params: UserParams,
          response: { 200: PasswordResetView },
        },
      },
      async (request, reply) => {
        const { user_id: userId } = request.params;
        const reset = await users.requestPasswordReset(
          principalOf(request),
          userId,
          request.headers['accept-language'],
        );
        reply.header('cache-control', 'no-store');
        return presentReset(reset);
      },
    );

    app.delete(
      '/:user_id/2fa',
      {
        config: {
          access: ADMINS,
          sessionOnly: true,
          problems: [userErrors.user_not_found, userErrors.user_not_manageable, userErrors.second_factor_not_set],
        },
        schema: {
          tags,
          operationId: 'removeUserSecondFactor',
          summary: 'Remove the second factor of a user',
          description:
            'For somebody who has lost the phone and the recovery codes: the password is enough from then on. Only of ' +
            'users of a lower role, never your own. 404 `second_factor_not_set` when there is none.',
          params: UserParams,
          response: { 204: NoContent },
        },
      },
      async (request, reply) => {
        await users.removeSecondFactor(principalOf(request), request.params.user_id);
        return reply.code(204).send(null);
      },
    );

    app.delete(
      '/:user_id',
      {
        config: {
          access: ADMINS,
          problems: [userErrors.user_not_found, userErrors.user_not_manageable, userErrors.last_superadmin],
        },
        schema: {
          tags,
          operationId: 'deleteUser',
          summary: 'Delete a user',
          description: 'Ends all sessions and frees the e-mail address. Same rules as for changing a user.',
          params: UserParams,
          response: { 204: NoContent },
        },
      },
      async (request, reply) => {
        await users.remove(principalOf(request), request.params.user_id);
        return reply.code(204).send(null);
      },
    );
  };
}
