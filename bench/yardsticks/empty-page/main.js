// The least that React and Mantine can show of a way in: one field.
import '@mantine/core/styles.layer.css';
import { MantineProvider, PasswordInput } from '@mantine/core';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

const root = createRoot(document.getElementById('root'));
root.render(createElement(MantineProvider, null, createElement(PasswordInput, { label: 'Password' })));
